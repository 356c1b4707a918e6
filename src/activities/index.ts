export { createAdmissionActivities, policyOf } from './admit.ts';
export { createControlReader } from './control-reader.ts';
export { openInputFile } from './input-files.ts';
export { createReadActivities } from './read.ts';
export { createRolloutActivities } from './rollout.ts';
export type { SampleSource } from './rollout.ts';
export type { ServiceRuntime, Services } from './services.ts';
export { createSubmitActivities } from './submit.ts';
export { createWebhookDeliveryActivities } from './webhook-delivery.ts';
