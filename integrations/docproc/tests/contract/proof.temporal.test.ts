import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { listProofs, readProof } from '../../../../src/proof/store.ts';
import { replayOnTestServer } from '../../../../test/helpers/replay.ts';
import { integration } from '../../src/index.ts';

const folder = fileURLToPath(new URL('../../proofs/', import.meta.url));

describe('the recorded proof runs', () => {
  it('replay on today’s code', async () => {
    const names = await listProofs(folder);
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      const { differences } = await replayOnTestServer(await readProof(folder, name), integration);
      expect([name, differences]).toEqual([name, []]);
    }
  });
});
