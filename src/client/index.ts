export { createBatchHandle } from './batch-handle.ts';
export type { BatchHandle } from './batch-handle.ts';
export type { FoundJob } from './batch-job-handle.ts';
export { batchItems } from './batch-items.ts';
export { findBatchJobs } from './batch-job.ts';
export type { BatchJobFound } from './batch-job.ts';
export type { BatchItem } from './batch-pack.ts';
export { listBatches } from './batch-view.ts';
export type { BatchSummary, BatchView } from './batch-view.ts';
export { connectToTemporal } from './connect.ts';
export type { Connected, ConnectOptions } from './connect.ts';
export { changeControl, killGate, readControl, readGate, restoreGate } from './control.ts';
export type { GateReading } from './control.ts';
export { readChanges } from './control-history.ts';
export type { ControlEntry } from './control-history.ts';
export { findJob } from './find-job.ts';
export { readHeldGate } from './held-gate.ts';
export type { HeldGate } from './held-gate.ts';
export type { JobAnswer, JobPending } from './job-answer.ts';
export { readJobCosts } from './job-costs.ts';
export type { CostQuery, CostRow, JobCosts } from './job-costs.ts';
export { createJobHandle } from './job-handle.ts';
export type { JobHandle } from './job-handle.ts';
export type { JobSnapshot } from './job-snapshot.ts';
export { countOpenJobs, oldestOpenJob } from './open-jobs.ts';
export type { OpenJobs } from './open-jobs.ts';
export { createPlaybookClient } from './playbook-client.ts';
export type { ListFilter, PlaybookClient, StartOptions } from './playbook-client.ts';
export {
  commandRollout,
  readRollout,
  readRolloutLog,
  renewLease,
  retryRollout,
  rollBack,
  signalAbort,
  startRollout,
} from './rollout.ts';
export { readStageJobs } from './stage-samples.ts';
export type { FedBatch, StartManyOptions } from './start-many.ts';
