import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { batchWorkflowId } from '../contracts/batch.ts';
import { listParts, partsQuery, type BatchOf } from './batch-parts.ts';
import { translating } from './errors.ts';

/** How many parts of a batch are open. */
export interface BatchRoom {
  /** A part is started, or was found. */
  readonly started: (part: number) => void;
  /**
   * Fewer parts than `most` are open.
   * @throws PlaybookError TEMPORAL_UNREACHABLE
   */
  readonly hasFewerThan: (most: number) => Promise<boolean>;
}

/**
 * Counts the open parts of a batch, those of an earlier feed too. Visibility is a moment late: that it still shows a part
 * which is over does no harm, but one that it does not show yet would be one too many. So what this feed started counts
 * until Temporal's own word, by its id, is that it is over.
 */
export function createBatchRoom(client: Client, { service, name }: BatchOf): BatchRoom {
  const running = partsQuery(service, name, ` AND ExecutionStatus = 'Running'`);
  const mine = new Set<string>();
  let openAtMost = Infinity; // until it is known what an earlier feed left

  const isOver = async (workflowId: string): Promise<boolean> => {
    try {
      const { status } = await client.workflow.getHandle(workflowId).describe();
      return status.name !== 'RUNNING';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return true; // so long over that it was removed
      throw error;
    }
  };

  const countOpen = async (): Promise<number> => {
    const open = new Set<string>();
    for await (const { workflowId } of listParts(client, running)) open.add(workflowId);
    for (const workflowId of mine) {
      if (open.has(workflowId)) continue;
      if (await isOver(workflowId)) mine.delete(workflowId);
      else open.add(workflowId);
    }
    return open.size;
  };

  return {
    started: (part) => {
      mine.add(batchWorkflowId({ service, name, part }));
      openAtMost += 1;
    },
    hasFewerThan: async (most) => {
      if (openAtMost < most) return true;
      const { count } = await translating(() => client.workflow.count(running));
      // A count costs one request, a list and what follows it many: they are asked only where the count shows room.
      openAtMost = count < most ? await translating(countOpen) : count;
      return openAtMost < most;
    },
  };
}
