import { writeFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import { createLimit } from '../../src/cli/limit.ts';
import { defineIntegration } from '../../src/definition/index.ts';
import type { Integration } from '../../src/definition/index.ts';
import { startStack } from '../helpers/stack.ts';
import type { Stack } from '../helpers/stack.ts';
import { FAULT_SECTIONS } from './support/config.ts';
import { serviceJobs } from './support/service-jobs.ts';

/** `npm run bench:faults -- --resets 200` asks for more. */
const JOBS = Number(process.env['RESET_JOBS'] ?? '12');
/** So few at once never look like an outage to the gate: each has an upload that succeeds between two resets. */
const AT_ONCE = 4;

const submit = { ...docproc.submit, idempotency: { kind: 'none' } } as const;
const searchable = defineIntegration({ ...docproc, service: 'searchable', submit });
const { lookup: _, ...rest } = docproc;
const blind = defineIntegration({ ...rest, service: 'blind', submit });

/** Runs jobs whose every first POST is done by the service and never answered. */
async function runJobs(integration: Integration, jobs: number) {
  const stack = await startStack({ integration, config: FAULT_SECTIONS, sandbox: { idempotency: 'none' } });
  try {
    stack.sandbox.faults({ rules: [{ kind: 'reset', method: 'POST', path: '/v3/jobs', at: 'after' }] });
    const limit = createLimit(AT_ONCE);
    const answers = await Promise.all(
      Array.from({ length: jobs }, (_unused, index) => limit(() => runOne(stack, integration, `job-${index}`))),
    );
    stack.sandbox.clearFaults();
    const posts = stack.sandbox.requests().filter(({ method, path }) => method === 'POST' && path === '/v3/jobs');
    const references = (await serviceJobs(stack.sandbox)).map(({ reference }) => reference);
    return { answers, posts, references };
  } finally {
    await stack.close();
  }
}

async function runOne(stack: Stack, integration: Integration, key: string) {
  const job = await stack.playbook.start(integration, await stack.document(`${key}.txt`, key), { key });
  return job.result({ maxWaitMs: 60_000 });
}

it(`a service without idempotency gets each of ${JOBS} jobs once, where it can be searched`, async () => {
  const { answers, posts, references } = await runJobs(searchable, JOBS);
  const summary = process.env['FAULT_SUMMARY'];
  if (summary !== undefined) {
    const completed = answers.filter(({ state }) => state === 'COMPLETED').length;
    const jobsThere = references.length;
    await writeFile(summary, JSON.stringify({ jobs: JOBS, completed, posts: posts.length, jobsThere }));
  }
  expect(answers.map(({ state }) => state)).toEqual(Array(JOBS).fill('COMPLETED'));
  expect(posts.filter(({ accepted }) => accepted)).toHaveLength(JOBS);
  expect(references).toHaveLength(JOBS);
  expect(new Set(references).size).toBe(JOBS);
}, 600_000);

it('where it cannot be searched, nothing is sent again and a person is asked', async () => {
  const { answers, posts, references } = await runJobs(blind, AT_ONCE);
  expect(answers).toMatchObject(
    answers.map(({ key }) => ({
      key,
      state: 'FAILED',
      error: {
        code: 'AMBIGUOUS_SUBMIT',
        message:
          'A submit to blind may have arrived (The connection broke before the answer was complete (ECONNRESET).) and it offers no way to find out.',
      },
    })),
  );
  expect(posts).toHaveLength(AT_ONCE);
  expect(new Set(references).size).toBe(AT_ONCE);
});
