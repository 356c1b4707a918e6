import { describe, expect, it } from '@jest/globals';
import { partSamples } from '../../src/client/batch-samples.ts';
import type { PartInfo } from '../../src/client/batch-parts.ts';

const counts = { CREATED: 0, PROCESSING: 1, COMPLETED: 1, FAILED: 2, CANCELED: 0, costMicros: 30, errors: {} };
const part: PartInfo = {
  workflowId: 'batch/docproc/a/0',
  runId: 'second',
  firstRunId: 'first',
  running: true,
  broken: false,
  startedMs: 2_000,
  closedMs: undefined,
  memo: {
    batch: 'a',
    part: 0,
    size: 4,
    last: true,
    digest: '',
    keys: '',
    counts,
    rollout: {
      stage: 'r:canary',
      route: 'live',
      startedMs: 1_000,
      jobs: 4,
      samples: [
        [50, 'good', 10],
        [60, 'VALIDATION', 10],
        [70, 'REMOTE_FAILED', 10],
      ],
    },
  },
};
const samples = (info: PartInfo) => partSamples(info, (code) => code === 'VALIDATION');

describe('a part’s jobs as a rollout reads them', () => {
  it('are told one by one: how each ended, and those that run', () => {
    const [good, excused, bad, running] = samples(part);
    expect(good).toEqual({
      workflowId: 'batch/docproc/a/0',
      runId: 'first/0',
      stage: 'r:canary',
      route: 'live',
      startedMs: 1_000,
      finishedMs: 1_050,
      end: 'good',
      costMicros: 10,
    });
    expect([excused?.end, bad?.end]).toEqual(['excused', 'bad']);
    // Its part may not have told yet that it ended.
    expect(running).toMatchObject({ runId: 'first/3', toldLateMs: 3_000 });
    expect(running).not.toHaveProperty('end');
  });

  it('say nothing of the service where the workflow was ended under them', () => {
    expect(samples({ ...part, running: false, broken: true })[3]).toMatchObject({ end: 'excused' });
  });

  it('are none where the part belongs to no rollout', () => {
    const { rollout: _, ...memo } = part.memo;
    expect(samples({ ...part, memo })).toEqual([]);
  });
});
