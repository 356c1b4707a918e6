export { externalJob } from './external-job.ts';
export { jobBatch } from './job-batch.ts';
export { gate } from './gate.ts';
export { integration } from './integration.ts';
export { rollout } from './rollout.ts';
export { rolloutNotice } from './rollout-notice.ts';
export { webhookDelivery } from './webhook-delivery.ts';
