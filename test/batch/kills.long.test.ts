import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import { fileRef } from '../../src/cli/compose/file-input.ts';
import { connectToTemporal, createPlaybookClient } from '../../src/client/index.ts';
import { audit, type Said } from '../chaos/audit.ts';
import { startFleet, type Fleet } from '../chaos/fleet.ts';
import type { PartName } from '../chaos/plan.ts';
import type { Asked } from '../chaos/load.ts';
import { serviceJobs } from '../faults/support/service-jobs.ts';
import { until } from '../helpers/until.ts';

const SEED = Number(process.env['FAULT_SEED'] ?? '11');
const JOBS = 500;
/** One in so many is a PDF that the service accepts and cannot read. */
const BROKEN_EVERY = 100;
/** Whose process is killed once the service has taken so many jobs. */
const KILLS: readonly (readonly [jobs: number, part: PartName])[] = [
  [80, 'worker-1'],
  [200, 'receiver'],
  [300, 'worker-1'],
  [400, 'receiver'],
];
const POST = { method: 'POST', path: '/v3/jobs' } as const;

let folder: string;
let fleet: Fleet;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'playbook-batch-kills-'));
  await mkdir(join(folder, 'documents'));
  fleet = await startFleet({ folder, seed: SEED, clocks: {}, workers: ['worker-1'], qpsCap: 60 });
}, 120_000);
afterAll(async () => {
  await fleet?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Logged {
  readonly key: string | null;
  readonly accepted: boolean;
  readonly replayed: boolean;
  readonly status: number | null;
}

/** POSTs of jobs, as the service logged them. */
async function posts(): Promise<readonly Logged[]> {
  const answer = await fetch(`${fleet.sandboxUrl}/_sandbox/requests?method=POST`);
  const { requests } = (await answer.json()) as { readonly requests: readonly (Logged & { readonly path: string })[] };
  return requests.filter(({ path }) => path === POST.path);
}

/** Jobs the service made: answered or not. */
const madeJobs = (logged: readonly Logged[]): readonly Logged[] =>
  logged.filter(({ accepted, replayed }) => accepted && !replayed);

it(`${JOBS} jobs of a batch end right through 5xx, lost and repeated webhooks and the death of worker and receiver`, async () => {
  await fleet.faults({
    rules: [
      { kind: 'error', ...POST, status: 503, rate: 0.025 },
      { kind: 'error', ...POST, status: 500, at: 'after', rate: 0.025 },
      { kind: 'webhook-drop', rate: 0.05 },
      { kind: 'webhook-duplicate', rate: 0.02 },
    ],
  });
  const asked: Asked[] = [];
  const items = [];
  for (let nth = 0; nth < JOBS; nth += 1) {
    const isBroken = nth % BROKEN_EVERY === BROKEN_EVERY - 1;
    const path = join(folder, 'documents', `${nth}.${isBroken ? 'pdf' : 'txt'}`);
    const text = `Letter ${nth}.`;
    await writeFile(path, isBroken ? `%PDF-1.7 ${nth} and nothing more` : text);
    asked.push({ key: `kills-${nth}`, text: isBroken ? null : text, canceled: false });
    items.push({
      key: `kills-${nth}`,
      input: docproc.input.parse({ document: await fileRef(path), options: { format: 'text' } }),
    });
  }
  const caller = await connectToTemporal({ address: fleet.temporalAddress });
  try {
    const batch = createPlaybookClient(caller.client).startMany(docproc, items, { name: 'kills', jobsPerPart: 250 });
    const said = new Map<string, Said>();
    const reading = (async () => {
      for await (const { key, state, error, externalId, result } of batch.results()) {
        expect(said.has(key)).toBe(false);
        said.set(key, {
          key,
          state,
          externalId,
          code: error?.code ?? null,
          text: result?.text ?? null,
          nondeterministic: 0,
        });
      }
    })();
    for (const [jobs, part] of KILLS) {
      await until(`the service has ${jobs} jobs`, async () => madeJobs(await posts()).length >= jobs, 120_000);
      expect(said.size).toBeLessThan(JOBS); // it is under way
      await fleet.parts.get(part)?.end('SIGKILL', 500);
    }
    await reading;

    const logged = await posts();
    const made = madeJobs(logged).map(({ key }) => key);
    expect(new Set(made).size).toBe(made.length);
    expect(logged.filter(({ status }) => status === 503 || status === 500).length).toBeGreaterThan(JOBS * 0.02);
    await fleet.faults(undefined);
    const found = audit(asked, await serviceJobs({ url: fleet.sandboxUrl }), said);
    expect(found).toEqual({
      lost: [],
      duplicated: [],
      wrong: [],
      jobs: JOBS,
      endings: { COMPLETED: JOBS - JOBS / BROKEN_EVERY, 'FAILED REMOTE_FAILED': JOBS / BROKEN_EVERY },
    });
    expect([...fleet.parts.values()].flatMap(({ unasked }) => unasked)).toEqual([]);
  } finally {
    await caller.close();
  }
}, 300_000);
