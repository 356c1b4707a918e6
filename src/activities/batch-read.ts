import { CancelledFailure } from '@temporalio/common';
import type { BatchActivities } from '../contracts/batch.ts';
import { currentContext, type ActivityContext } from './activity-context.ts';
import { cancelAll } from './batch-cancel.ts';
import { heartbeating, READS_AT_ONCE, type ReadDeps } from './batch-chunk.ts';
import { Look } from './batch-look.ts';

type Deps = ReadDeps & { readonly context?: typeof currentContext };

/** Reads of a batch: some jobs in one activity. */
export function createBatchReadActivities(deps: Deps): Pick<BatchActivities, 'lookChunk' | 'cancelChunk'> {
  const current = deps.context ?? currentContext;
  return {
    lookChunk: async (request) => {
      const context = current();
      return reading(context, () => new Look(deps, request, context).run());
    },
    cancelChunk: async (request) => {
      const context = current();
      return reading(context, () => cancelAll(deps, request, context.signal));
    },
  };
}

async function reading<Answer>(context: ActivityContext, work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await heartbeating(context, READS_AT_ONCE, () => undefined, work);
  } catch (error) {
    throw context.signal.aborted ? new CancelledFailure('The read was canceled.') : error;
  }
}
