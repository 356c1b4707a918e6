export { createGateSeat } from './gate/seat.ts';
export { createJobWorker } from './job-worker.ts';
export type { JobWorkerOptions } from './job-worker.ts';
export { createServiceRuntime } from './service-runtime.ts';
export type { OwnedRuntime } from './service-runtime.ts';
