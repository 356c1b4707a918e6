import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, it } from '@jest/globals';
import { freePort } from '../../src/embedded/ports.ts';

it('takes the first wanted port that is free, else any', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  try {
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const free = await freePort();
    expect(await freePort(undefined, port, free)).toBe(free);
    expect(await freePort(free, port)).toBe(free);
    const any = await freePort(port);
    expect(any).not.toBe(port);
    expect(any).toBeGreaterThan(1023);
  } finally {
    taken.close();
    await once(taken, 'close');
  }
});
