import type { VersioningBehavior } from '@temporalio/common';
import { setWorkflowOptions, workflowInfo } from '@temporalio/workflow';
import { externalJob } from './external-job.ts';
import { gate } from './gate.ts';
import { integration } from './integration.ts';
import { jobBatch } from './job-batch.ts';
import { rolloutNotice } from './rollout-notice.ts';
import { rollout } from './rollout.ts';
import { webhookDelivery } from './webhook-delivery.ts';

export { externalJob, gate, integration, jobBatch, rollout, rolloutNotice, webhookDelivery };

// Where versions run side by side, what ends soon stays with the code it began with; what lives on goes over to the current
// code, and changes to it need `patched`.
setWorkflowOptions(versioned('PINNED'), externalJob);
setWorkflowOptions(versioned('PINNED'), jobBatch);
setWorkflowOptions(versioned('PINNED'), rolloutNotice);
setWorkflowOptions(versioned('PINNED'), webhookDelivery);
setWorkflowOptions(versioned('AUTO_UPGRADE'), gate);
setWorkflowOptions(versioned('AUTO_UPGRADE'), integration);
setWorkflowOptions(versioned('AUTO_UPGRADE'), rollout);

/** The server refuses a behaviour from a worker without versions. */
function versioned(versioningBehavior: VersioningBehavior) {
  return () => (workflowInfo().currentDeploymentVersion?.deploymentName ? { versioningBehavior } : {});
}
