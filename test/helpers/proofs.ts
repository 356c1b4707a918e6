import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { loadIntegration } from '../../src/definition/index.ts';
import { listProofs, readProof } from '../../src/proof/store.ts';
import { replayOnTestServer } from './replay.ts';

const INTEGRATIONS = fileURLToPath(new URL('../../integrations', import.meta.url));

/** Replays every proof of an integration on today's code, one test each. */
export async function proofTests(service: string): Promise<void> {
  const folder = `${INTEGRATIONS}/${service}/proofs`;
  const [integration, names] = await Promise.all([loadIntegration(INTEGRATIONS, service), listProofs(folder)]);
  describe('the recorded proof run', () => {
    if (names.length === 0) {
      it.todo(`replays, once \`playbook proof record ${service}\` has written it`); // `playbook check --done` insists
      return;
    }
    it.each(names)('%s replays on today’s code', async (name) => {
      const { differences } = await replayOnTestServer(await readProof(folder, name), integration);
      expect(differences).toEqual([]);
    });
  });
}
