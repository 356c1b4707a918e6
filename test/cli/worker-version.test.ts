import { describe, expect, it } from '@jest/globals';
import { workerVersion } from '../../src/cli/compose/worker-version.ts';

describe('the version of a worker', () => {
  it('is what the environment says, or there is none', () => {
    const env = { TEMPORAL_DEPLOYMENT_NAME: 'playbook', TEMPORAL_WORKER_BUILD_ID: 'b1' };
    expect(workerVersion({ env })).toEqual({ deploymentName: 'playbook', buildId: 'b1' });
    expect(workerVersion({ env: {} })).toBeUndefined();
  });

  it('is refused by half', () => {
    expect(() => workerVersion({ env: { TEMPORAL_WORKER_BUILD_ID: 'b1' } })).toThrow(
      'TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_WORKER_BUILD_ID belong together',
    );
  });
});
