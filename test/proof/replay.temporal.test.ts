import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import { extractionInput, eventDto, jobDto } from '../../integrations/docproc/src/models.ts';
import { toJobBody } from '../../integrations/docproc/src/mappers.ts';
import type { Integration } from '../../src/definition/index.ts';
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
  return (await replayOnTestServer(proof, integration)).differences;
}

describe('a proof', () => {
  it('replays on today’s code, and says which schemas have changed without consequence', async () => {
    expect(await replayOnTestServer(proof, docproc)).toMatchObject({ differences: [], notes: [], requests: 3 });
    const lenient = changed({ result: z.looseObject({ ...(docproc.result as unknown as z.ZodObject).shape }) });
    expect(await replayOnTestServer(proof, lenient)).toMatchObject({
      differences: [],
      notes: ['schema result-v3.4.2.json has changed since'],
    });
  });

  it('fails on a renamed field, of ours or of theirs', async () => {
    const ours = changed({
      submit: {
        ...docproc.submit,
        request: (context: Parameters<typeof docproc.submit.request>[0]) => {
          const { input, ...rest } = toJobBody(
            extractionInput.parse(context.input),
            context.reference,
            context.callbackUrl,
          );
          return { method: 'POST', path: '/v3/jobs', json: { document: input, ...rest } };
        },
      },
    });
    expect(await differencesFor(ours)).toEqual([
      'request 2 (POST /v3/jobs): body.input is missing',
      'request 2 (POST /v3/jobs): body.document is new',
    ]);
    const theirs = changed({
      submit: { ...docproc.submit, response: jobDto.omit({ id: true }).extend({ job_id: z.string() }) },
    });
    expect(await differencesFor(theirs)).toEqual([
      expect.stringMatching(/^the job ends FAILED with CONTRACT_VIOLATION: .*job_id .*, recorded was COMPLETED$/),
      expect.stringMatching(/^the job ends without GET \/v3\/jobs\/job_\w+, as recorded$/),
    ]);
  });

  it('fails on a new required field, in what is read and in what is given', async () => {
    const read = changed({ status: { ...docproc.status, response: jobDto.extend({ priority: z.string() }) } });
    expect(await differencesFor(read)).toEqual([
      expect.stringMatching(/^the job ends FAILED with CONTRACT_VIOLATION: .*priority .*, recorded was COMPLETED$/),
    ]);
    const given = changed({ input: extractionInput.extend({ language: z.string() }) });
    expect(await differencesFor(given)).toEqual([expect.stringMatching(/^INVALID_INPUT: .*language/)]);
    const told = changed({ webhook: { ...docproc.webhook, payload: eventDto.extend({ attempt: z.int() }) } });
    expect(await differencesFor(told)).toEqual([
      expect.stringMatching(/^the webhook msg_\w+ is answered 400 \(.*\), recorded was 200$/),
    ]);
  });

  it('fails on a changed status word', async () => {
    const { COMPLETED: _, ...others } = docproc.states;
    expect(await differencesFor(changed({ states: { ...others, DONE: 'COMPLETED' } }))).toEqual([
      expect.stringMatching(/^the job ends FAILED with UNKNOWN_STATUS: .*COMPLETED.*, recorded was COMPLETED$/),
    ]);
  });

  it('fails on another idempotency key, and on another way to send it', async () => {
    const quoted = { ...docproc.submit.idempotency, quoted: true };
    expect(await differencesFor(changed({ submit: { ...docproc.submit, idempotency: quoted } }))).toEqual([
      expect.stringMatching(
        /^request 2 \(POST \/v3\/jobs\): header idempotency-key is "\\"[0-9a-f]{64}\\"", recorded was "[0-9a-f]{64}"$/,
      ),
    ]);
    const elsewhere = {
      ...proof,
      manifest: { ...proof.manifest, config: { ...proof.manifest.config, environment: 'staging' } },
    };
    expect((await replayOnTestServer(elsewhere, docproc)).differences).toEqual([
      expect.stringMatching(
        /^request 2 \(POST \/v3\/jobs\): header idempotency-key is "\w{64}", recorded was "\w{64}"$/,
      ),
    ]);
  });

  it('fails on another order of calls, on one more and on one less', async () => {
    const { upload: _, ...withoutUpload } = docproc;
    expect(await differencesFor(withoutUpload)).toEqual([
      expect.stringMatching(
        /^request 1 should be PUT \/v3\/files\/\w{64}, but it is POST \/v3\/jobs, which was recorded as request 2: another order$/,
      ),
    ]);
    const fetch = {
      request: ({ externalId }: { externalId: string }) => ({ method: 'GET', path: `/v3/artifacts/art_${externalId}` }),
      response: z.unknown(),
      read: () => ({}),
    };
    expect(await differencesFor(changed({ fetch }))).toEqual([
      expect.stringMatching(/^GET \/v3\/artifacts\/art_job_\w+ comes after the last recorded request$/),
    ]);
    const trusted = changed({
      webhook: {
        ...docproc.webhook,
        trusted: true,
        read: (event: z.infer<typeof eventDto>) => ({
          state: 'CANCELED',
          externalId: event.data.id,
          job: { externalId: event.data.id, word: 'CANCELED' },
        }),
      },
    });
    expect(await differencesFor(trusted)).toEqual([
      expect.stringMatching(/^the job ends CANCELED.*, recorded was COMPLETED$/),
      expect.stringMatching(/^the job ends without GET \/v3\/jobs\/job_\w+, as recorded$/),
    ]);
  });
});
