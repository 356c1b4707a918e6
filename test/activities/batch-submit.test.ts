import { describe, expect, it } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityContext } from '../../src/activities/activity-context.ts';
import { createBatchSubmitActivities } from '../../src/activities/batch-submit.ts';
import type { ChunkJob, SubmitChunkRequest, SubmitEnd, SubmittedChunk } from '../../src/contracts/batch.ts';
import type { EarlierBatches } from '../../src/activities/submit-attempt.ts';
import type { Json } from '../../src/contracts/json.ts';
import { INITIAL_CONTROL, type ControlState } from '../../src/contracts/control.ts';
import { fakeContext, type FakeContext } from '../helpers/fake-context.ts';
import { DONE, fail, RUNNING } from '../helpers/scripted.ts';
import { CHUNK, chunkBench, NOW, type ChunkBench } from './support/chunks.ts';

interface Options {
  readonly context?: Partial<ActivityContext>;
  readonly request?: Partial<SubmitChunkRequest>;
  /** By index. */
  readonly jobs?: Readonly<Record<number, Partial<ChunkJob>>>;
  readonly control?: Partial<ControlState>;
  readonly now?: () => number;
  readonly earlierBatches?: EarlierBatches;
}

interface Chunk {
  readonly answer?: SubmittedChunk;
  readonly error?: Error;
  readonly context: FakeContext;
}

async function submit(bench: ChunkBench, count: number, options: Options = {}): Promise<Chunk> {
  const context = fakeContext(options.context);
  const { submitChunk } = createBatchSubmitActivities({
    services: bench.services,
    readControl: async () => ({ ...INITIAL_CONTROL, enabled: true, ...options.control }),
    openInputFile: async () => {
      throw new Error('no files here');
    },
    ...(options.earlierBatches === undefined ? {} : { earlierBatches: options.earlierBatches }),
    now: options.now ?? (() => NOW),
    random: () => 0,
    context: () => context,
  });
  const jobs = Array.from({ length: count }, (_, nth) => ({
    key: `k-${nth}`,
    generation: 1,
    unit: `u-${nth}`,
    input: { text: `text ${nth}` },
    ...options.jobs?.[nth],
  }));
  try {
    return { answer: await submitChunk({ ...CHUNK, revision: 0, jobs, ...options.request }), context };
  } catch (error) {
    return { error: error as Error, context };
  }
}

const taken = (at: number, requests = 1): SubmitEnd => ({
  at,
  submitted: { externalId: `x-k-${at}~1`, requests, observation: { state: 'PROCESSING', word: 'RUNNING' } },
});
const byIndex = ({ answer }: Chunk): SubmitEnd[] => (answer?.ends ?? []).toSorted((a, b) => a.at - b.at);
const THROTTLED = { code: 'THROTTLED', throttled: true, arrival: 'refused', message: 'Too many.' } as const;
const REFUSED = { code: 'VALIDATION', retryable: false, arrival: 'refused', message: 'No.' } as const;
const fresh = { requests: 0, failures: 0, lastMessage: '', mayHaveArrived: false, underWayAtMs: 0 };

describe('the submit of a chunk', () => {
  it('sends each job once, for its unit and in the turn of its batch', async () => {
    const bench = chunkBench();
    const { answer } = await submit(bench, 3, { request: { tags: { team: 'red' } } });
    expect(answer).toEqual({ ends: [taken(0), taken(1), taken(2)], retryInMs: 0 });
    expect(bench.asked()).toEqual(['k-0', 'k-1', 'k-2']);
    expect(bench.sent[2]).toMatchObject({ owner: { unit: 'u-2', tags: { team: 'red' } }, turn: 'batch november' });
  });

  it('lets a bad job fail alone, and counts what was sent of it', async () => {
    const bench = chunkBench();
    bench.service.script('k-0', { submit: () => fail(REFUSED) });
    const chunk = await submit(bench, 3, { jobs: { 1: { input: { txt: 1 } } } });
    expect(byIndex(chunk)).toEqual([
      { at: 0, failed: { code: 'VALIDATION', message: 'No.', mayHaveArrived: false }, requests: 1 },
      {
        at: 1,
        failed: { code: 'INVALID_INPUT', message: expect.stringContaining('text'), mayHaveArrived: false },
        requests: 0,
      },
      taken(2),
    ]);
  });

  it('repeats after a short pause by itself, and says when no attempt is left', async () => {
    const bench = chunkBench({ lookup: false });
    bench.service.script('k-0', { submit: (nth) => (nth < 3 ? fail({}) : RUNNING) });
    bench.service.script('k-1', { submit: () => fail({}) });
    const chunk = await submit(bench, 2);
    expect(byIndex(chunk)).toEqual([
      taken(0, 3),
      {
        at: 1,
        failed: {
          code: 'RETRIES_EXHAUSTED',
          message: '3 of 3 attempts failed; the last: The service answered 500.',
          mayHaveArrived: true,
        },
        requests: 3,
      },
    ]);
  });

  it('leaves a job whose next attempt is far off to a later chunk, and goes on with the others', async () => {
    const bench = chunkBench({ retry: "{ max_attempts: 3, backoff_ms: '5000,9000' }" });
    bench.service.script('k-0', { submit: () => fail({}) });
    const chunk = await submit(bench, 2);
    expect(byIndex(chunk)).toEqual([
      {
        at: 0,
        left: {
          requests: 1,
          failures: 1,
          lastMessage: 'The service answered 500.',
          mayHaveArrived: true,
          underWayAtMs: NOW,
        },
      },
      taken(1),
    ]);
    expect(chunk.answer?.retryInMs).toBe(5_000);
  });

  it('begins no further one once one of them is throttled', async () => {
    const bench = chunkBench();
    bench.service.script('k-1', { submit: () => fail({ ...THROTTLED, retryAfterMs: 4_000 }) });
    const chunk = await submit(bench, 40);
    expect(bench.sent.length).toBeLessThanOrEqual(16);
    expect(chunk.answer?.retryInMs).toBe(4_000);
    expect(byIndex(chunk)).toHaveLength(40);
    expect(byIndex(chunk)[1]).toMatchObject({ left: { requests: 1, failures: 0, mayHaveArrived: false } });
    expect(byIndex(chunk)[39]).toEqual({ at: 39, left: fresh });
  });

  it.each([
    ['takes note', async (): Promise<void> => undefined],
    ['does not', () => Promise.reject(new Error('Temporal is away.'))],
  ])('waits outside the history when nothing could be sent, whether Temporal %s', async (_, acknowledgedHeartbeat) => {
    const bench = chunkBench();
    bench.service.script('k-0', { submit: () => fail(THROTTLED) });
    const { error, context } = await submit(bench, 1, {
      context: { attempt: 4, acknowledgedHeartbeat, heartbeatDetails: { ends: [], progress: [], reportedAttempt: 3 } },
    });
    expect(error).toBeInstanceOf(ApplicationFailure);
    expect(error).toMatchObject({
      type: 'THROTTLED',
      category: 'BENIGN',
      nextRetryDelay: 1_000,
      message: 'None of 1 jobs could be sent; next attempt in 1.0 s.',
    });
    // The next attempt is told that this one lived: nothing is under way.
    expect(context.heartbeats.at(-1)?.details).toMatchObject({ reportedAttempt: 4, progress: [[0, { requests: 1 }]] });
  });

  it('takes over from an attempt that died: what it had is kept, the rest may have been sent', async () => {
    const bench = chunkBench();
    const heartbeatDetails = {
      ends: [taken(0)],
      progress: [[1, { requests: 2, failures: 1, lastMessage: 'Bad.', mayHaveArrived: true, underWayAtMs: 1 }]],
      reportedAttempt: 0,
    };
    const chunk = await submit(bench, 3, {
      context: { attempt: 2, heartbeatDetails },
      jobs: { 2: { submit: { ...fresh, requests: 5 } } },
    });
    expect(byIndex(chunk)).toEqual([taken(0), taken(1, 3), taken(2, 6)]);
    expect(bench.asked()).toEqual(['k-1', 'k-2']);
  });

  it('sends nothing of a job that would be admitted otherwise by now', async () => {
    const bench = chunkBench();
    const moved = await submit(bench, 2, { control: { revision: 7, enabled: false } });
    expect(byIndex(moved)).toEqual([
      { at: 0, readmit: true },
      { at: 1, readmit: true },
    ]);
    expect(bench.sent).toEqual([]);
    // What may be at the service stays with its admission.
    const sent = await submit(bench, 1, {
      control: { revision: 7, enabled: false },
      jobs: { 0: { submit: { ...fresh, requests: 1, mayHaveArrived: true } } },
    });
    expect(byIndex(sent)).toEqual([taken(0, 2)]);
  });

  it('is searched for first where the service recognises no repetition', async () => {
    const bench = chunkBench({ idempotency: { kind: 'none' } });
    bench.service.script('k-0', { lookup: () => [{ status: 'RUNNING' }] });
    const chunk = await submit(bench, 2);
    expect(byIndex(chunk)).toEqual([taken(0), taken(1, 2)]);
    expect(bench.service.requests('k-0')).toEqual(['lookup']);
    expect(bench.service.requests('k-1')).toEqual(['lookup', 'submit']);
    // Each is written down, acknowledged, before it is sent.
    expect(chunk.context.heartbeats.some(({ acknowledged }) => acknowledged)).toBe(true);
  });

  it('keeps results out of its answer that do not fit, and large ones out of its heartbeats', async () => {
    const bench = chunkBench({ idempotency: { kind: 'none' }, lookup: false });
    for (const nth of [0, 1, 2]) {
      bench.service.script(`k-${nth}`, { submit: () => ({ status: 'DONE', result: { text: 'x'.repeat(120_000) } }) });
    }
    bench.service.script('k-3', { submit: () => DONE });
    // By its second request the others are done, and it is written down beforehand.
    bench.service.script('k-4', { submit: (nth) => (nth < 2 ? fail({ arrival: 'refused' }) : RUNNING) });
    const chunk = await submit(bench, 5);
    const states = (ends: readonly SubmitEnd[]) =>
      ends.map((end) => ('submitted' in end ? end.submitted.observation.state : 'not'));
    expect(states(byIndex(chunk))).toEqual(['COMPLETED', 'COMPLETED', 'PROCESSING', 'COMPLETED', 'PROCESSING']);
    const noted = chunk.context.heartbeats.findLast(({ acknowledged }) => acknowledged)?.details;
    const { ends } = noted as { readonly ends: readonly SubmitEnd[] };
    expect(states(ends.toSorted((x, y) => x.at - y.at))).toEqual([
      'PROCESSING',
      'PROCESSING',
      'PROCESSING',
      'COMPLETED',
    ]);
  });

  it('that is stopped answers with what it has, for the workflow to decide about', async () => {
    const bench = chunkBench();
    const { answer } = await submit(bench, 2, { context: { signal: AbortSignal.abort() } });
    expect(answer).toEqual({
      ends: [
        { at: 0, left: fresh },
        { at: 1, left: fresh },
      ],
      retryInMs: 1_000,
    });
    expect(bench.sent).toEqual([]);
  });

  it('leaves to a later chunk what it has no time for', async () => {
    const bench = chunkBench();
    let clock = NOW;
    // A request takes six seconds.
    const slow = { submit: () => ((clock += 6_000), RUNNING) };
    for (let nth = 0; nth < 40; nth += 1) bench.service.script(`k-${nth}`, slow);
    const chunk = await submit(bench, 40, { now: () => clock });
    expect(bench.sent.length).toBeLessThanOrEqual(16);
    expect(byIndex(chunk)[39]).toEqual({ at: 39, left: fresh });
  });

  describe('with a key that is refused as reused', () => {
    const REUSED = {
      code: 'IDEMPOTENCY_KEY_REUSED',
      retryable: false,
      arrival: 'refused',
      message: 'Reused.',
    } as const;
    const parts = [0, 1, 2].map((part) => ({ service: 'scripted', name: 'october', part }));
    /** Where its webhook address points, request by request. */
    async function places(script: (nth: number) => object) {
      const addresses: string[] = [];
      const bench = chunkBench({}, (runtime) => ({
        ...runtime,
        callbackUrl: async ({ batch }) => {
          addresses.push(batch === undefined ? 'alone' : `${batch.name}/${batch.part}`);
          return 'http://127.0.0.1:9/';
        },
      }));
      bench.service.script('k-0', { submit: (nth) => script(nth) as Json });
      const chunk = await submit(bench, 1, {
        earlierBatches: async (_service, _key, isWanted) => [CHUNK.batch, ...parts].filter(isWanted),
      });
      return { addresses, ends: byIndex(chunk) };
    }

    it('is sent as it was before: alone, then in the batches that have it', async () => {
      const found = await places((nth) => (nth < 4 ? fail(REUSED) : RUNNING));
      expect(found.addresses).toEqual(['november/0', 'alone', 'october/0', 'october/1']);
      expect(found.ends).toEqual([taken(0, 4)]);
    });

    it('fails with that once none of them is taken', async () => {
      const found = await places(() => fail(REUSED));
      expect(found.addresses).toHaveLength(5);
      expect(found.ends).toMatchObject([{ failed: { code: 'IDEMPOTENCY_KEY_REUSED' }, requests: 5 }]);
    });

    it('begins anew where another thing goes wrong in between', async () => {
      const found = await places((nth) => (nth === 2 ? fail({}) : nth < 4 ? fail(REUSED) : RUNNING));
      expect(found.addresses).toEqual(['november/0', 'alone', 'november/0', 'alone']);
      expect(found.ends).toEqual([taken(0, 4)]);
    });
  });

  it('gives a job up whose deadline passes', async () => {
    const chunk = await submit(chunkBench(), 1, { request: { deadlineAtMs: NOW } });
    expect(byIndex(chunk)).toMatchObject([{ failed: { code: 'DEADLINE_EXCEEDED', mayHaveArrived: false } }]);
  });
});
