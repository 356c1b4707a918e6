import { describe, expect, it } from '@jest/globals';
import { CancelledFailure } from '@temporalio/common';
import type { ActivityContext } from '../../src/activities/activity-context.ts';
import { createBatchReadActivities } from '../../src/activities/batch-read.ts';
import type { CancelChunkRequest, CanceledChunk } from '../../src/contracts/batch.ts';
import { fakeContext } from '../helpers/fake-context.ts';
import { fail } from '../helpers/scripted.ts';
import { CHUNK, chunkBench, NOW, type ChunkBench } from './support/chunks.ts';

/** Jobs whose ids are known, or are not. */
function cancelOf(known: readonly boolean[], more: Partial<CancelChunkRequest> = {}): CancelChunkRequest {
  const jobs = known.map((isKnown, nth) => ({
    key: `k-${nth}`,
    generation: 1,
    unit: `u-${nth}`,
    externalId: isKnown ? `x-k-${nth}~1` : null,
  }));
  return { ...CHUNK, jobs, ...more };
}

async function cancel(
  { services }: ChunkBench,
  request: CancelChunkRequest,
  context: Partial<ActivityContext> = {},
): Promise<CanceledChunk['ends']> {
  const deps = { services, now: () => NOW, random: () => 0, context: () => fakeContext(context) };
  return (await createBatchReadActivities(deps).cancelChunk(request)).ends;
}

const stopped = { state: 'CANCELED', word: 'STOPPED' };

describe('the cancellation of jobs of a batch', () => {
  it('tells the service of each, and finds those whose id is unknown by their reference', async () => {
    const bench = chunkBench();
    bench.service.script('k-1', { lookup: () => [{ status: 'RUNNING' }] });
    expect(await cancel(bench, cancelOf([true, false, false], { tags: { team: 'red' } }))).toEqual([
      { externalId: 'x-k-0~1', observation: stopped },
      { externalId: 'x-k-1~1', observation: stopped },
      { externalId: null, observation: null },
    ]);
    expect(bench.sent[0]).toMatchObject({ owner: { unit: 'u-0', tags: { team: 'red' } }, turn: 'batch november' });
  });

  it('repeats what may be repeated, until its time is up', async () => {
    const bench = chunkBench();
    bench.service.script('k-0', { cancel: (nth) => (nth < 3 ? fail({}) : { status: 'STOPPED' }) });
    bench.service.script('k-1', {
      cancel: (nth) => (nth < 2 ? fail({ retryAfterMs: 5, throttled: true }) : { status: 'STOPPED' }),
    });
    expect(await cancel(bench, cancelOf([true, true]))).toMatchObject([
      { observation: stopped },
      { observation: stopped },
    ]);
    const late = chunkBench();
    late.service.script('k-0', { cancel: () => fail({}) });
    expect(await cancel(late, cancelOf([true], { deadlineAtMs: NOW }))).toEqual([
      { failed: 'k-0~1: The service answered 500.' },
    ]);
    expect(late.sent).toHaveLength(1);
  });

  it('says of which the service could not be told, and goes on', async () => {
    const bench = chunkBench({ lookup: false });
    bench.service.script('k-0', { cancel: () => fail({ code: 'AUTH_FAILED', retryable: false, message: 'No.' }) });
    expect(await cancel(bench, cancelOf([true, false, true]))).toEqual([
      { failed: 'k-0~1: No.' },
      { failed: expect.stringContaining('it offers no search by reference') },
      { externalId: 'x-k-2~1', observation: stopped },
    ]);
  });

  it('leaves out results that would make its answer too large', async () => {
    const bench = chunkBench();
    for (const key of ['k-0', 'k-1', 'k-2']) {
      bench.service.script(key, {
        cancel: () => fail({ code: 'CONFLICT', retryable: false }),
        poll: () => ({ status: 'DONE', result: { text: 'x'.repeat(120_000) } }),
      });
    }
    const ends = await cancel(bench, cancelOf([true, true, true, true]));
    expect(ends.map((end) => ('failed' in end ? end.failed : end.observation?.state))).toEqual([
      'COMPLETED',
      'COMPLETED',
      'It had ended; its result was not taken.',
      'CANCELED',
    ]);
  });

  it('that is dropped itself says so', async () => {
    const bench = chunkBench();
    bench.service.script('k-0', { cancel: () => fail({ code: 'CANCELED' }) });
    await expect(cancel(bench, cancelOf([true]), { signal: AbortSignal.abort() })).rejects.toBeInstanceOf(
      CancelledFailure,
    );
  });
});
