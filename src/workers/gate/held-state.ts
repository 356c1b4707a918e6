import { activityInfo, Context } from '@temporalio/activity';
import { readHeldGate } from '../../client/held-gate.ts';
import type { GateStateActivities } from '../../contracts/gate.ts';

/** Local activities of the `gate` workflow. */
export function createGateStateActivities(): GateStateActivities {
  return {
    heldState: async () => {
      const { workflowId = '', runId } = activityInfo().workflowExecution ?? {};
      return (await readHeldGate(Context.current().client, workflowId, runId)).state;
    },
  };
}
