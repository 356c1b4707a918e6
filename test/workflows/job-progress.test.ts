import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JobObservation, JobRequest, WebhookHint } from '../../src/contracts/jobs.ts';
import { TERMINAL_STATES } from '../../src/contracts/states.ts';
import { describeJob } from '../../src/workflows/job-details.ts';
import { JobProgress } from '../../src/workflows/job-progress.ts';

const request: JobRequest = {
  service: 'docproc',
  key: 'k',
  generation: 1,
  unit: 'u',
  input: {},
  fingerprint: 'f'.repeat(64),
};
const begin = (): JobProgress => new JobProgress(request, 'docproc/k', 1_000);
const hint = (more: Partial<WebhookHint> = {}): WebhookHint => ({
  eventId: 'e1',
  state: 'COMPLETED',
  receivedAtMs: 0,
  ...more,
});
const processing: JobObservation = { state: 'PROCESSING', word: 'RUNNING' };

describe('what a job makes of webhooks', () => {
  it('keeps one hint an event, and no more than sixteen', () => {
    const job = begin();
    for (let n = 0; n < 100; n += 1) job.hinted(hint({ eventId: `e${n % 50}` }));
    let hints = 0;
    while (job.hasHint) {
      job.takeHint();
      hints += 1;
    }
    expect(hints).toBe(16);
    expect(job.webhooks).toBe(100);
    expect(job.takeHint()).toBeUndefined();
  });

  it('hands out what is declared sufficient apart from what needs a look', () => {
    const job = begin();
    const observation: JobObservation = { state: 'COMPLETED', word: 'DONE', result: 1 };
    job.hinted(hint({ eventId: 'a' }));
    job.hinted(hint({ eventId: 'b', observation }));
    expect([job.hasTrusted, job.hasHint]).toEqual([true, true]);
    expect(job.takeTrusted()).toBe(observation);
    expect([job.hasTrusted, job.hasHint]).toEqual([false, true]);
    expect(job.takeHint()).toBe('COMPLETED');
    expect(job.takeTrusted()).toBeUndefined();
  });

  it('drops those of another external job once it knows its own', () => {
    const job = begin();
    job.hinted(hint({ externalId: 'theirs' }));
    expect(job.hasHint).toBe(true);
    job.accept({ externalId: 'mine', requests: 1, observation: processing });
    expect(job.hasHint).toBe(false);
  });
});

describe('how a job ends', () => {
  it('leaves it to whoever cancels it to say why, and to the service where nobody does', () => {
    const canceled: JobObservation = { state: 'CANCELED', word: 'STOPPED' };
    const [ours, theirs] = [begin(), begin()];
    ours.cancelAsked = true;
    for (const job of [ours, theirs]) {
      job.accept({ externalId: 'x', requests: 1, observation: processing });
      job.observe(canceled);
    }
    expect(ours.over).toBe(false);
    ours.giveUp('DEADLINE_EXCEEDED', 'late');
    expect([ours.error?.code, theirs.error?.code]).toEqual(['DEADLINE_EXCEEDED', 'REMOTE_CANCELED']);
    expect(ours.observation).toBe(canceled);
  });

  it('is decided by the first terminal thing that happens, whatever else does', () => {
    const step = fc.oneof(
      fc.constantFrom(...TERMINAL_STATES).map((state) => (job: JobProgress) => job.observe({ state, word: state })),
      fc.constant((job: JobProgress) => job.giveUp('DEADLINE_EXCEEDED', 'late')),
      fc.constant((job: JobProgress) => job.withdraw('canceled')),
      fc.constant((job: JobProgress) => job.observe(processing)),
      fc.nat().map((n) => (job: JobProgress) => job.hinted(hint({ eventId: String(n) }))),
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const job = begin();
        let ended: string | undefined;
        for (const take of steps) {
          take(job);
          if (ended !== undefined) expect(JSON.stringify(job.outcome(5_000).error)).toBe(ended);
          else if (job.over) ended = JSON.stringify(job.outcome(5_000).error);
        }
      }),
    );
  });

  it('is told with what it cost, how long it took and why', () => {
    const job = begin();
    job.accept({ externalId: 'x', requests: 2, observation: processing });
    job.polls = 3;
    job.observe({ state: 'FAILED', word: 'BROKEN', costMicros: 40, parts: [{ id: 'p', state: 'FAILED' }] });
    expect(job.outcome(4_000)).toEqual({
      service: 'docproc',
      key: 'k',
      generation: 1,
      workflowId: 'docproc/k',
      externalId: 'x',
      state: 'FAILED',
      route: null,
      result: null,
      parts: [{ id: 'p', state: 'FAILED' }],
      error: { code: 'REMOTE_FAILED', message: 'docproc reports BROKEN: no reason given' },
      polls: 3,
      webhooks: 0,
      latencyMs: 3_000,
      costMicros: 40,
    });
  });
});

describe('a job’s page in the Web UI', () => {
  it('says in a table what is going on, whatever characters a reason holds', () => {
    const job = begin();
    job.activity = 'asked | twice\nnow waits';
    expect(describeJob(job.status(), undefined)).toBe(
      [
        '### docproc job',
        '',
        '| | |',
        '| --- | --- |',
        '| state | **CREATED** |',
        '| now | asked \\| twice now waits |',
        '| external id | none yet |',
        '| key | k (generation 1) |',
        '| route | undecided |',
        '| polls | 0 |',
        '| webhooks | 0 |',
      ].join('\n'),
    );
  });
});
