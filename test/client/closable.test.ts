import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { closable } from '../../src/client/closable.ts';
import { freePort } from '../../src/embedded/ports.ts';

/** Without this, the retry's timer throws where nobody can catch it, and the test process ends. */
it('a connection closed while the SDK is about to try again ends the call, and nothing else', async () => {
  const { interceptors, closing } = closable();
  const connection = Connection.lazy({ address: `127.0.0.1:${await freePort()}`, interceptors });
  const client = new Client({ connection });
  const call = client.workflow.getHandle('x').describe();
  call.catch(() => undefined);
  await sleep(150); // refused, and the next attempt's timer is running
  closing();
  await connection.close();
  await expect(call).rejects.toMatchObject({ cause: { code: 1, details: 'The connection was closed.' } });
  await expect(client.workflow.getHandle('x').describe()).rejects.toMatchObject({ cause: { code: 1 } });
});
