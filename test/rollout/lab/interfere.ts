import type { Client } from '@temporalio/client';
import { changeControl, commandRollout, readRollout, signalAbort } from '../../../src/client/index.ts';
import { INITIAL_CONTROL, integrationWorkflowId } from '../../../src/contracts/control.ts';
import { WORKFLOW_QUEUE } from '../../../src/contracts/queues.ts';
import { rolloutWorkflowId } from '../../../src/contracts/rollout.ts';
import type { RolloutCommand } from '../../../src/rules/rollout/machine.ts';
import type { RolloutPlan } from '../../../src/rules/rollout/plan.ts';
import { createPrng } from '../../../src/sandbox/prng.ts';
import { inputFor, SMALL_PLAN, WHO } from '../../rules/rollout/fixtures.ts';

/** What people do, and how often of a hundred times. */
const DEEDS: readonly (readonly [deed: RolloutCommand | 'byHand' | 'signalAbort' | 'terminate', share: number])[] = [
  ['resume', 36.5],
  ['approve', 22],
  ['promote', 14],
  ['pause', 10],
  ['setWeight', 8],
  ['byHand', 7],
  ['abort', 1],
  ['signalAbort', 1],
  ['terminate', 0.5],
];
/** Then they only help it on; and when that does not end it either, somebody aborts it. */
const MOST_DEEDS = 20;
const MOST_HELP = 60;

/** A rollout that was interfered with until it was over. */
export interface Interfered {
  readonly seed: number;
  readonly service: string;
  readonly plan: RolloutPlan;
  readonly firstRunId: string;
  readonly end: 'DONE' | 'ABORTED' | 'TERMINATED';
}

/** What a rollout lives in. */
export interface Surroundings {
  readonly nowMs: () => Promise<number>;
  readonly sleep: (ms: number) => Promise<void>;
  /** Of its milliseconds, how many a person needs for what takes one otherwise. */
  readonly pace: number;
  /** Whether it tells of its steps, by workflows of their own. */
  readonly tells: boolean;
}

/**
 * Starts a rollout that continues as new after a few steps, its control state after a few changes, and does to it what a seed
 * says: people's commands, weights set behind its back, a freeze perhaps, a cancellation, or the end of its workflow.
 */
export async function interfere(client: Client, name: string, seed: number, around: Surroundings): Promise<Interfered> {
  const random = createPrng(seed);
  const service = `${name}-${seed}`;
  const nowMs = await around.nowMs();
  const plan: RolloutPlan = {
    ...SMALL_PLAN,
    freeze: random() < 0.3 ? [{ fromMs: nowMs, toMs: nowMs + 5_000 * around.pace * random() }] : [],
  };
  await client.workflow.start('integration', {
    workflowId: integrationWorkflowId(service),
    taskQueue: WORKFLOW_QUEUE,
    args: [{ service, changesPerRun: 2 + Math.floor(random() * 4) }],
    memo: { control: INITIAL_CONTROL },
  });
  const handle = await client.workflow.start('rollout', {
    workflowId: rolloutWorkflowId(service),
    taskQueue: WORKFLOW_QUEUE,
    args: [
      {
        ...inputFor(service, INITIAL_CONTROL, plan),
        tells: around.tells,
        stepsPerRun: 1 + Math.floor(random() * 4),
      },
    ],
  });
  const status = async (): Promise<string> =>
    (await client.workflow.getHandle(handle.workflowId).describe()).status.name;
  const mostDeeds = Math.floor(random() * MOST_DEEDS);
  const underWay: Promise<void>[] = [];
  for (let deeds = 1; (await status()) === 'RUNNING'; deeds += 1) {
    await around.sleep((200 + random() * 800) * around.pace);
    const help = deeds % 2 === 0 ? 'resume' : 'approve';
    const late = deeds > MOST_DEEDS + MOST_HELP ? 'signalAbort' : help;
    const deed = deeds > mostDeeds ? late : pick(random());
    const done = does(client, service, deed, random()).catch((error: unknown) => {
      // Refused, or too late, or there was no worker to hear it: all of that happens to people.
      if (!(error instanceof Error)) throw error;
    });
    underWay.push(done);
  }
  await Promise.all(underWay);
  const isTerminated = (await status()) === 'TERMINATED';
  const isDone = (await readRollout(client, service))?.phase === 'done';
  const end = isTerminated ? 'TERMINATED' : isDone ? 'DONE' : 'ABORTED';
  return { seed, service, plan, firstRunId: handle.firstExecutionRunId, end };
}

function pick(dice: number): (typeof DEEDS)[number][0] {
  let left = dice * 100;
  return DEEDS.find(([, share]) => (left -= share) < 0)?.[0] ?? 'resume';
}

async function does(client: Client, service: string, deed: (typeof DEEDS)[number][0], dice: number): Promise<void> {
  const weightBps = Math.floor(dice * 10_001);
  switch (deed) {
    case 'byHand':
      await changeControl(client, service, 'setWeight', { ...WHO, weightBps });
      return;
    case 'signalAbort':
      if (dice < 0.7) await signalAbort(client, service, WHO);
      else await client.workflow.getHandle(rolloutWorkflowId(service)).cancel();
      return;
    case 'terminate':
      await client.workflow.getHandle(rolloutWorkflowId(service)).terminate('a test');
      return;
    case 'setWeight':
      await commandRollout(client, service, deed, { ...WHO, weightBps: Math.floor(dice * 1_001) });
      return;
    default:
      await commandRollout(client, service, deed, WHO);
  }
}
