import { describe, expect, it } from '@jest/globals';
import { capacityOf, MEASURED, type JobFigures, type Workload } from '../../src/rules/capacity.ts';

const JOB: JobFigures = {
  actions: 10,
  transactions: 20,
  historyBytes: 5_000,
  databaseBytes: 20_000,
  serverCpuMs: 50,
  workerCpuMs: 20,
  requests: 2,
};
const WORK: Workload = {
  jobsPerDay: 864_000,
  peakFactor: 1,
  pollsPerJob: 0,
  retentionDays: 7,
  jobMs: 60_000,
  writeMs: 5,
};

describe('what a workload needs', () => {
  it('follows from the figures of one job', () => {
    expect(capacityOf(WORK, JOB)).toMatchObject({
      jobsPerSecond: 10,
      // Ten a job, and four a second of the gate.
      actionsPerDay: 8_640_000 + 345_600,
      actionsPerSecond: 104,
      requestsPerSecond: 20,
      transactionsPerSecond: 200,
      openJobs: 600,
      historyBytesPerDay: 4_320_000_000,
      databaseBytes: 864_000 * 7 * 20_000,
      // A write of 5 ms, busy to 60 %: 120 transactions a second and shard.
      shards: 4,
      serverCores: 1,
      workers: 2,
    });
  });

  it('is planned for the peak, and polls count', () => {
    const peak = capacityOf({ ...WORK, peakFactor: 3 }, JOB);
    expect(peak).toMatchObject({ jobsPerSecond: 30, actionsPerDay: 8_640_000 + 345_600, serverCores: 3, shards: 8 });
    expect(capacityOf({ ...WORK, pollsPerJob: 10 }, JOB)).toMatchObject({
      requestsPerSecond: 120,
      actionsPerDay: 17_280_000 + 345_600,
    });
  });

  it('says which limit comes first, and that what is beyond one does not fit', () => {
    const { limits } = capacityOf({ ...WORK, jobsPerDay: 100_000_000 }, JOB);
    expect(limits.map(({ used }) => used)).toEqual(limits.map(({ used }) => used).toSorted((a, b) => b - a));
    expect(limits[0]?.used).toBeGreaterThan(1);
    expect(limits.find(({ name }) => name.includes('one gate'))?.used).toBeCloseTo(
      (100_000_000 / 86_400) * (2 / 250),
      5,
    );
  });

  it('rests on figures that were measured', () => {
    for (const [name, value] of Object.entries(MEASURED)) expect([name, value > 0]).toEqual([name, true]);
  });
});
