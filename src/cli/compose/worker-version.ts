import type { WorkerDeploymentVersion } from '@temporalio/common';
import { PlaybookError } from '../../contracts/errors.ts';
import type { CliIo } from '../io.ts';

/**
 * The version of this worker's code, by the variables that Temporal's own worker controller sets; `undefined` without them: there is one
 * code only.
 * @throws PlaybookError CONFIG_INVALID where only one of them is set
 */
export function workerVersion({ env }: Pick<CliIo, 'env'>): WorkerDeploymentVersion | undefined {
  const deploymentName = env['TEMPORAL_DEPLOYMENT_NAME'] ?? '';
  const buildId = env['TEMPORAL_WORKER_BUILD_ID'] ?? '';
  if (deploymentName === '' && buildId === '') return undefined;
  if (deploymentName !== '' && buildId !== '') return { deploymentName, buildId };
  throw new PlaybookError(
    'CONFIG_INVALID',
    'TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_WORKER_BUILD_ID belong together: set both, or neither for a worker without versions.',
  );
}
