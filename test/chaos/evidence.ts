import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import type { PlaybookClient } from '../../src/client/index.ts';
import { PlaybookError } from '../../src/contracts/errors.ts';
import type { Asked } from './load.ts';
import type { Said } from './audit.ts';

/** Read at once: enough to be quick, few enough for a small server. */
const AT_ONCE = 8;
/** A closed job answers at once; an open one is told by its own state. */
const OVER_MS = 10_000;

/** What Temporal says of each job. */
export async function whatTemporalSays(
  client: Client,
  playbook: PlaybookClient,
  asked: readonly Asked[],
): Promise<ReadonlyMap<string, Said>> {
  const left = [...asked];
  const said = new Map<string, Said>();
  const read = async (): Promise<void> => {
    for (let job = left.pop(); job !== undefined; job = left.pop()) {
      const one = await ofJob(client, playbook, job.key);
      if (one !== undefined) said.set(job.key, one);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, read));
  return said;
}

async function ofJob(client: Client, playbook: PlaybookClient, key: string): Promise<Said | undefined> {
  const job = playbook.job(docproc, key);
  try {
    const answer = await job.result({ maxWaitMs: OVER_MS });
    const nondeterministic = await countNondeterminism(client, job.workflowId);
    if (answer.state === 'PENDING') {
      return { key, state: 'PENDING', code: null, externalId: null, text: null, nondeterministic };
    }
    return {
      key,
      state: answer.state,
      code: answer.error?.code ?? null,
      externalId: answer.externalId,
      text: answer.result?.text ?? null,
      nondeterministic,
    };
  } catch (error) {
    if (error instanceof PlaybookError && error.code === 'JOB_NOT_FOUND') return undefined;
    throw error;
  }
}

const { WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR } = proto.temporal.api.enums.v1.WorkflowTaskFailedCause;

async function countNondeterminism(client: Client, workflowId: string): Promise<number> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const failed = (events ?? []).flatMap((event) => event.workflowTaskFailedEventAttributes ?? []);
  return failed.filter(({ cause }) => cause === WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR).length;
}
