import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changeControl } from '../../src/client/index.ts';
import { batchWorkflowId } from '../../src/contracts/batch.ts';
import type { JobOutcome } from '../../src/contracts/jobs.ts';
import { recordHistory } from '../helpers/histories.ts';
import { startJobBench, type JobBench } from '../helpers/job-worker.ts';
import { DONE, fail, RUNNING, scriptedService, type Script, type ScriptedService } from '../helpers/scripted.ts';
import { unique } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';

const brief = scriptedService({
  service: 'brief-many',
  config: 'polling: { grace_ms: 0, initial_ms: 50, factor: 1, max_ms: 50 }\ndeadline_ms: 3000',
});
const fickle = scriptedService({ service: 'fickle-many' });
const THROTTLED = { code: 'THROTTLED', throttled: true, arrival: 'refused', message: 'Too many.' } as const;
let bench: JobBench;

beforeAll(async () => {
  bench = await startJobBench([brief.runtime, fickle.runtime]);
});
afterAll(() => bench.close());

/** Runs jobs with these scripts as one batch. */
function start(service: ScriptedService, scripts: Readonly<Record<string, Script>>) {
  const name = unique('late').slice(0, 40);
  const items = Object.entries(scripts).map(([which, script]) => {
    const key = `${name}-${which}`;
    service.script(key, script);
    return { key, input: { text: which } };
  });
  const batch = bench.playbook.startMany(service.integration, items, { name });
  const keyOf = (which: string): string => `${name}-${which}`;
  const ends = async (): Promise<Record<string, JobOutcome<unknown>>> => {
    const outcomes: Record<string, JobOutcome<unknown>> = {};
    for await (const outcome of batch.results()) outcomes[outcome.key.slice(name.length + 1)] = outcome;
    return outcomes;
  };
  const record = (path: string): Promise<void> =>
    recordHistory(bench.temporal, batchWorkflowId({ service: service.integration.service, name, part: 0 }), path);
  return { keyOf, ends, record };
}

describe('the deadline of a batch', () => {
  it('ends the jobs that are still waiting, at the service, too', async () => {
    let isCanceled = false;
    const { keyOf, ends, record } = start(brief, {
      done: { poll: () => DONE },
      waiting: { poll: () => RUNNING },
      blind: { cancel: () => fail({ code: 'AUTH_FAILED', retryable: false, message: 'No.' }) },
      over: {
        poll: () => (isCanceled ? DONE : RUNNING),
        cancel: () => {
          isCanceled = true;
          return fail({ code: 'CONFLICT', retryable: false, arrival: 'refused' });
        },
      },
    });
    const { done, waiting, blind, over } = await ends();
    expect(done?.state).toBe('COMPLETED');
    expect(waiting).toMatchObject({
      state: 'FAILED',
      externalId: `x-${keyOf('waiting')}~1`,
      error: {
        code: 'DEADLINE_EXCEEDED',
        message: 'The deadline passed while waiting. brief-many was told and reports STOPPED.',
      },
    });
    expect(waiting?.latencyMs).toBeGreaterThanOrEqual(2_900);
    expect(blind?.error?.message).toBe(
      `The deadline passed while waiting. brief-many could not be told: ${keyOf('blind')}~1: No.`,
    );
    // It turned out to have ended there.
    expect(over).toMatchObject({ state: 'COMPLETED', result: { text: 'done' } });
    await record('batch-deadline-while-waiting');
  });

  it('tells of each job whether it may have been sent, and looks for those that may', async () => {
    const maybe = { retryAfterMs: 60_000, arrival: 'maybe' } as const;
    const { keyOf, ends, record } = start(brief, {
      sent: { submit: () => RUNNING, poll: () => DONE },
      found: { submit: () => fail(maybe), lookup: () => [{ status: 'RUNNING' }] },
      lost: { submit: () => fail(maybe) },
      refused: { submit: () => fail({ ...THROTTLED, retryAfterMs: 60_000 }) },
    });
    const { sent, found, lost, refused } = await ends();
    expect(sent?.state).toBe('COMPLETED');
    expect(found).toMatchObject({
      state: 'FAILED',
      externalId: `x-${keyOf('found')}~1`,
      error: { code: 'DEADLINE_EXCEEDED' },
    });
    expect(found?.error?.message).toContain('A request may have arrived. brief-many was told and reports STOPPED.');
    expect(lost).toMatchObject({ externalId: null, error: { code: 'DEADLINE_EXCEEDED' } });
    expect(lost?.error?.message).toContain('A request may have arrived. brief-many has no such job.');
    expect(refused?.error).toEqual({
      code: 'DEADLINE_EXCEEDED',
      message: 'Too many. The next attempt would be after the deadline.',
    });
    expect(brief.requests(keyOf('refused'))).toEqual(['submit']);
    await record('batch-deadline-while-submitting');
  });
});

describe('a change of the control state under a batch', () => {
  it('has those admitted anew of which nothing was sent, here to be refused; the others go on', async () => {
    let isOver = false;
    const { keyOf, ends, record } = start(fickle, {
      sent: { poll: () => (isOver ? DONE : RUNNING) },
      held: { submit: () => fail({ ...THROTTLED, retryAfterMs: 1_500 }) },
    });
    await until('one is held back', () => fickle.requests(keyOf('held')).length > 0);
    await changeControl(bench.temporal, 'fickle-many', 'disable', { actor: 'a test', reason: 'to refuse jobs' });
    const ending = ends();
    isOver = true;
    const { sent, held } = await ending;
    expect(sent?.state).toBe('COMPLETED');
    expect(held).toMatchObject({ state: 'FAILED', externalId: null, error: { code: 'INTEGRATION_DISABLED' } });
    await record('batch-admitted-anew-and-refused');
  });
});
