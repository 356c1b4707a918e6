import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import type { Integration } from '../../src/definition/index.ts';
import type { HarEntry } from '../../src/proof/har.ts';
import { listProofs, readProof } from '../../src/proof/store.ts';
import type { Proof } from '../../src/proof/store.ts';
import { replayOnTestServer } from '../helpers/replay.ts';

const folder = fileURLToPath(new URL('../../integrations/docproc/proofs/', import.meta.url));

let proof: Proof;
beforeAll(async () => {
  const [name = ''] = await listProofs(folder);
  proof = await readProof(folder, name);
});

/** docproc with something changed, whatever its type. */
function changed(changes: Record<string, unknown>): Integration {
  return { ...docproc, ...changes } as Integration;
}

async function differencesFor(integration: Integration): Promise<readonly string[]> {
  return (await replayOnTestServer(proof, integration, { patienceMs: 8000 })).differences;
}

const entryOf = (kind: string): HarEntry => {
  const found = proof.har.log.entries.find(({ _playbook }) => _playbook.kind === kind);
  if (found === undefined) throw new Error(`the proof has no ${kind}`);
  return found;
};
const withEntries = (entries: readonly HarEntry[]): Proof => ({
  ...proof,
  har: { log: { ...proof.har.log, entries } },
});

describe('a replay', () => {
  it('fails where a webhook is not taken any more, and where the job comes to a standstill', async () => {
    const { webhook: _, ...deaf } = docproc;
    expect(await differencesFor(deaf)).toEqual([expect.stringMatching(/CONFIG_INVALID|takes none/)]);
    const ignoring = changed({ webhook: { ...docproc.webhook, read: () => ({ state: undefined }) } });
    expect(await differencesFor(ignoring)).toEqual([
      expect.stringMatching(/^request 3 \(GET \/v3\/jobs\/job_\w+\) does not come$/),
    ]);
  });

  it('replays polls, refusals and broken connections as they were', async () => {
    const submit = entryOf('submit');
    const status = entryOf('poll');
    const startMs = Date.parse(submit.startedDateTime);
    const at = (entry: HarEntry, ms: number): HarEntry => ({
      ...entry,
      startedDateTime: new Date(startMs + ms).toISOString(),
      time: 1,
    });
    const refused: HarEntry = {
      ...submit,
      response: {
        ...submit.response,
        status: 429,
        headers: [{ name: 'retry-after', value: '1' }],
        content: { size: 0, mimeType: 'x-unknown' },
      },
    };
    const broken: HarEntry = {
      ...status,
      response: { ...status.response, status: 0 },
      _playbook: { kind: 'poll', failure: { code: 'SERVICE_UNAVAILABLE', arrival: 'maybe' } },
    };
    const pending: HarEntry = { ...status, response: { ...status.response, content: submit.response.content } };
    const polled = withEntries([
      ...proof.har.log.entries.filter((entry) => !['webhook', 'poll', 'submit'].includes(entry._playbook.kind)),
      at(refused, 0),
      at(submit, 1100),
      at(pending, 1200),
      at(broken, 1400),
      at(pending, 1600),
      at(status, 1800),
    ]);
    expect(await replayOnTestServer(polled, docproc)).toMatchObject({ differences: [], requests: 7 });
  });
});
