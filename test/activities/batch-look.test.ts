import { describe, expect, it } from '@jest/globals';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityContext } from '../../src/activities/activity-context.ts';
import { createBatchReadActivities } from '../../src/activities/batch-read.ts';
import { JOB_PENDING } from '../../src/contracts/activities.ts';
import type { LookChunkRequest, LookedChunk } from '../../src/contracts/batch.ts';
import { fakeContext } from '../helpers/fake-context.ts';
import { DONE, fail, RUNNING } from '../helpers/scripted.ts';
import { chunkBench, LIST, lookAt, NOW, withList, type ChunkBench } from './support/chunks.ts';

interface Looked {
  readonly answer?: LookedChunk;
  readonly error?: Error;
}

/** @param now what the clock says, on each look at it */
async function look(
  { services }: ChunkBench,
  request: LookChunkRequest,
  context: Partial<ActivityContext> = {},
  now: () => number = () => NOW,
): Promise<Looked> {
  const activities = createBatchReadActivities({
    services,
    now,
    random: () => 0.5,
    context: () => fakeContext(context),
  });
  try {
    return { answer: await activities.lookChunk(request) };
  } catch (error) {
    return { error: error as Error };
  }
}

const done = { state: 'COMPLETED', word: 'DONE', result: { text: 'done' } };
const large = { status: 'DONE', result: { text: 'x'.repeat(100_000) } };
const all = (count: number, from = 0) => Array.from({ length: count }, (_, nth) => `k-${from + nth}`);

describe('a look at the jobs of a batch', () => {
  it('tells of those that are over, and how often each was asked for', async () => {
    const bench = chunkBench();
    bench.service.script('k-1', { poll: () => DONE });
    const { answer } = await look(bench, lookAt(3), { attempt: 2 });
    expect(answer).toEqual({ ends: [{ at: 1, observation: done }], polls: [2, 2, 2], rounds: 2, nextInMs: 2_000 });
    expect(bench.sent.map(({ owner, turn }) => [owner?.unit, turn])).toContainEqual(['u-1', 'batch november']);
  });

  it('waits outside the history while none is over, longer with each round', async () => {
    const first = await look(chunkBench(), lookAt(2));
    expect(first.error).toBeInstanceOf(ApplicationFailure);
    expect(first.error).toMatchObject({
      type: JOB_PENDING,
      category: 'BENIGN',
      nextRetryDelay: 1_000,
      message: 'None of 2 jobs is over; next look in 1.0 s.',
    });
    const later = await look(chunkBench(), lookAt(2, { round: 3 }), { attempt: 2 });
    expect(later.error).toMatchObject({ nextRetryDelay: 16_000 });
  });

  it('follows a webhook up by three looks close together, and then hands over to polling', async () => {
    const bench = chunkBench();
    bench.service.script('k-0', { poll: (nth) => (nth < 2 ? RUNNING : DONE) });
    const { answer } = await look(bench, lookAt(2, { hinted: true }));
    expect(answer).toMatchObject({ ends: [{ at: 0, observation: done }], polls: [2, 3], nextInMs: 1_000 });
    const ended = chunkBench();
    ended.service.script('k-0', { poll: () => DONE });
    expect((await look(ended, lookAt(1, { hinted: true }))).answer?.polls).toEqual([1]);
  });

  it('lets a job end alone whose answer breaks the contract', async () => {
    const bench = chunkBench();
    bench.service.script('k-0', { poll: () => ({ status: 5 }) });
    bench.service.script('k-1', { poll: () => ({ status: 'ODD' }) });
    bench.service.script('k-2', { poll: () => DONE });
    const { ends = [] } = (await look(bench, lookAt(4))).answer ?? {};
    expect(ends).toMatchObject([
      { at: 0, failed: { code: 'CONTRACT_VIOLATION' } },
      { at: 1, failed: { code: 'UNKNOWN_STATUS' } },
      { at: 2, observation: done },
    ]);
  });

  it('takes "not found" for "not yet" at first, and trouble or lost credentials for no end at all', async () => {
    const notFound = { code: 'NOT_FOUND', retryable: false, message: 'No such job.' } as const;
    const bench = chunkBench();
    bench.service.script('k-0', { poll: () => fail(notFound) });
    const early = await look(bench, lookAt(1), { attempt: 5 });
    expect(early.error?.message).toBe('None of 1 jobs is over; next look in 16.0 s. No such job.');
    expect((await look(bench, lookAt(1, { round: 3 }), { attempt: 3 })).answer?.ends).toEqual([
      { at: 0, failed: { code: 'NOT_FOUND', message: 'No such job.' } },
    ]);
    const other = chunkBench();
    other.service.script('k-0', { poll: () => fail({}) });
    other.service.script('k-1', { poll: () => fail({ code: 'AUTH_FAILED', retryable: false }) });
    expect((await look(other, lookAt(2), { attempt: 500 })).error).toMatchObject({ type: JOB_PENDING });
  });

  it.each([
    [{ retryAfterMs: 10_000 }, 10_500],
    [{}, 1_125],
  ])('stops asking once it is throttled (%j), and comes again when it may', async (asked, nextInMs) => {
    const bench = chunkBench();
    bench.service.script('k-0', { poll: () => fail({ code: 'THROTTLED', throttled: true, ...asked }) });
    const { error } = await look(bench, lookAt(100));
    expect(error).toMatchObject({ type: JOB_PENDING, nextRetryDelay: nextInMs });
    expect(bench.sent.length).toBeLessThanOrEqual(8);
    // Nor is a webhook followed up against it.
    const hinted = await look(bench, lookAt(1, { hinted: true }));
    expect(hinted.answer).toMatchObject({ ends: [], polls: [1], nextInMs });
  });

  it('stops where its answer would grow too large, and is to go on at once', async () => {
    const bench = chunkBench();
    for (const key of all(40)) bench.service.script(key, { poll: () => large });
    const { answer } = await look(bench, lookAt(40));
    expect(answer?.ends.length).toBeGreaterThanOrEqual(3);
    expect(answer?.ends.length).toBeLessThanOrEqual(11);
    expect(answer?.nextInMs).toBe(0);
  });

  it('stops when its time is up; the next attempt begins elsewhere', async () => {
    const bench = chunkBench();
    bench.service.script('k-0', { poll: () => DONE });
    let clock = NOW;
    const { answer } = await look(bench, lookAt(50), {}, () => (clock += 1_000));
    expect(answer).toMatchObject({ ends: [{ at: 0 }], nextInMs: 0 });
    expect(bench.sent.length).toBeLessThan(20);
    const second = chunkBench();
    await look(second, lookAt(50), { attempt: 2 });
    expect(second.asked()).toEqual([...all(13, 37), ...all(37)]);
  });

  it('that is canceled says so rather than what broke', async () => {
    const bench = chunkBench();
    bench.service.script('k-0', { poll: () => fail({ code: 'CANCELED' }) });
    const { error } = await look(bench, lookAt(1), { signal: AbortSignal.abort() });
    expect(error).toBeInstanceOf(CancelledFailure);
  });
});

describe('a look at many jobs, where the service has a list', () => {
  const item = (nth: number, more: object) => ({ id: `x-k-${nth}~1`, ...more });

  it('reads that instead, from the first acceptance on', async () => {
    const bench = chunkBench({}, withList(true));
    const page = [item(0, DONE), item(1, { status: 'BROKEN' }), item(99, DONE), item(2, { status: 'ODD' })];
    const rest = Array.from({ length: 22 }, (_, nth) => item(nth + 3, RUNNING));
    bench.service.script(LIST, { list: (nth) => (nth === 1 ? { items: page, next: 'c' } : { items: rest }) });
    const { answer } = await look(bench, lookAt(25));
    expect(answer?.ends).toMatchObject([
      { at: 0, observation: done },
      { at: 1, observation: { state: 'FAILED', word: 'BROKEN' } },
      // The list has a word for it that is none of ours: asked by itself, it goes on.
    ]);
    expect(answer?.polls).toEqual([2, 0, 1, ...Array.from({ length: 22 }, () => 0)]);
    expect(bench.sent[0]?.query).toEqual({ limit: 100, updated_after: new Date(NOW - 60_000).toISOString() });
    expect(bench.sent[1]?.query).toMatchObject({ cursor: 'c' });
  });

  it('stops reading once it has told of all of them', async () => {
    const bench = chunkBench({}, withList(true));
    const items = Array.from({ length: 20 }, (_, nth) => item(nth, DONE));
    bench.service.script(LIST, { list: () => ({ items, next: 'more' }) });
    expect((await look(bench, lookAt(20))).answer?.ends).toHaveLength(20);
    expect(bench.sent).toHaveLength(1);
  });

  it('asks for a completed one by itself where the list has no results', async () => {
    const bench = chunkBench({}, withList(false));
    const items = Array.from({ length: 20 }, (_, nth) => item(nth, nth === 5 ? { status: 'DONE' } : RUNNING));
    bench.service.script(LIST, { list: () => ({ items }) });
    bench.service.script('k-5', { poll: () => DONE });
    const { answer } = await look(bench, lookAt(20));
    expect(answer?.ends).toEqual([{ at: 5, observation: done }]);
    expect(bench.asked()).toEqual(['/jobs', 'k-5']);
  });

  it('leaves what does not fit into its answer to the next look', async () => {
    const bench = chunkBench({}, withList(true));
    const items = Array.from({ length: 20 }, (_, nth) => item(nth, large));
    bench.service.script(LIST, { list: () => ({ items }) });
    const { answer } = await look(bench, lookAt(20));
    expect(answer?.ends).toHaveLength(3);
    expect(answer?.nextInMs).toBe(0);
    expect(bench.sent).toHaveLength(1);
  });

  it('asks one by one where the list takes more pages than that is worth, or does not answer', async () => {
    const endless = chunkBench({}, withList(true));
    endless.service.script(LIST, { list: (nth) => ({ items: [item(100 + nth, RUNNING)], next: `c-${nth}` }) });
    const { error } = await look(endless, lookAt(20));
    expect(error?.message).toContain("The service's list has more than 5 pages.");
    expect(endless.sent).toHaveLength(5 + 20);

    const down = chunkBench({}, withList(true));
    down.service.script(LIST, { list: () => fail({ message: 'The list is down.' }) });
    expect((await look(down, lookAt(20))).error?.message).toContain('The list is down.');
    expect(down.sent).toHaveLength(1 + 20);
  });

  it('that is canceled meanwhile ends there', async () => {
    const bench = chunkBench({}, withList(true));
    bench.service.script(LIST, { list: () => fail({ code: 'CANCELED' }) });
    const { error } = await look(bench, lookAt(20), { signal: AbortSignal.abort() });
    expect(error).toBeInstanceOf(CancelledFailure);
    expect(bench.sent).toHaveLength(1);
  });

  it('is not worth it for few', async () => {
    const bench = chunkBench({}, withList(true));
    await look(bench, lookAt(19));
    expect(bench.asked()).not.toContain('/jobs');
  });
});
