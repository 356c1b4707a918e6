import { setWorkflowOptions } from '@temporalio/workflow';
import { externalJob } from './external-job.ts';
import { gate } from './gate.ts';
import { integration } from './integration.ts';
import { jobBatch } from './job-batch.ts';
import { rolloutNotice } from './rollout-notice.ts';
import { rollout } from './rollout.ts';
import { webhookDelivery } from './webhook-delivery.ts';

export { externalJob, gate, integration, jobBatch, rollout, rolloutNotice, webhookDelivery };

// Where versions run side by side, what ends soon stays with the code it began with; what lives on goes over to the current
// code, and changes to it need `patched`. A worker without versions does not look at this.
setWorkflowOptions({ versioningBehavior: 'PINNED' }, externalJob);
setWorkflowOptions({ versioningBehavior: 'PINNED' }, jobBatch);
setWorkflowOptions({ versioningBehavior: 'PINNED' }, rolloutNotice);
setWorkflowOptions({ versioningBehavior: 'PINNED' }, webhookDelivery);
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, gate);
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, integration);
setWorkflowOptions({ versioningBehavior: 'AUTO_UPGRADE' }, rollout);
