import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { batchWorkflowId } from '../../src/contracts/batch.ts';
import type { JobOutcome } from '../../src/contracts/jobs.ts';
import { recordHistory } from '../helpers/histories.ts';
import { startJobBench, type JobBench } from '../helpers/job-worker.ts';
import { DONE, fail, RUNNING, scriptedService } from '../helpers/scripted.ts';
import { unique } from '../helpers/temporal.ts';

const service = scriptedService({ service: 'many' });
let bench: JobBench;

beforeAll(async () => {
  bench = await startJobBench([service.runtime]);
});
afterAll(() => bench.close());

const items = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, nth) => ({ key: `${prefix}-${nth}`, input: { text: `text ${nth}` } }));

async function all(results: AsyncIterable<JobOutcome<unknown>>): Promise<Map<string, JobOutcome<unknown>>> {
  const outcomes = new Map<string, JobOutcome<unknown>>();
  for await (const outcome of results) {
    expect(outcomes.has(outcome.key)).toBe(false);
    outcomes.set(outcome.key, outcome);
  }
  return outcomes;
}

describe('a batch', () => {
  it('brings every job to its end and gives each outcome once', async () => {
    const name = unique('all').slice(0, 40);
    const jobs = items(name, 250);
    for (const { key } of jobs) service.script(key, { poll: (nth) => (nth < 2 ? RUNNING : DONE) });
    const batch = bench.playbook.startMany(service.integration, jobs, { name, jobsPerPart: 100 });

    const outcomes = await all(batch.results());
    expect(await batch.fed).toEqual({ jobs: 250 });
    expect(outcomes.size).toBe(250);
    expect([...outcomes.values()].every(({ state }) => state === 'COMPLETED')).toBe(true);
    expect(await batch.progress({ exact: true })).toMatchObject({ jobs: 250, COMPLETED: 250, complete: true });
    await recordHistory(
      bench.temporal,
      batchWorkflowId({ service: 'many', name, part: 0 }),
      'batch-completed-by-polling',
    );
  });

  it('lets a bad job fail alone', async () => {
    const name = unique('bad').slice(0, 40);
    const jobs = items(name, 20);
    for (const { key } of jobs) service.script(key, { poll: () => DONE });
    service.script(`${name}-3`, {
      submit: () => fail({ code: 'VALIDATION', retryable: false, arrival: 'refused', message: 'No.' }),
    });
    service.script(`${name}-4`, { submit: (nth) => (nth < 3 ? fail({}) : RUNNING), poll: () => DONE });
    const batch = bench.playbook.startMany(
      service.integration,
      [...jobs, { key: `${name}-wrong`, input: { txt: 1 } as never }],
      { name },
    );
    const outcomes = await all(batch.results());
    expect(outcomes.size).toBe(21);
    const failed = [...outcomes.values()].filter(({ state }) => state === 'FAILED');
    expect(Object.fromEntries(failed.map(({ key, error }) => [key, error?.code]))).toEqual({
      [`${name}-3`]: 'VALIDATION',
      [`${name}-wrong`]: 'INVALID_INPUT',
    });
  });
});
