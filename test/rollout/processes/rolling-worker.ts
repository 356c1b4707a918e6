/**
 * A worker of rollouts whose watches answer by dice, for as many as there are; argument 1 is {@link RollingWorkerArguments} as
 * JSON. It polls from SIGUSR2 on, so that it can stand by, and ends in order on SIGTERM.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { heartbeat } from '@temporalio/activity';
import { Client } from '@temporalio/client';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { WORKFLOW_QUEUE } from '../../../src/contracts/queues.ts';
import type { WatchAnswer, WatchRequest } from '../../../src/rules/rollout/messages.ts';
import { activitiesWithoutJobs, answerByDice, watchLasts } from '../lab/dice.ts';
import type { RollingWorkerArguments } from '../lab/rolling-workers.ts';

const { address, namespace, bundle } = JSON.parse(process.argv[2] ?? '') as RollingWorkerArguments;
Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  shutdownSignals: [],
});
const connection = await NativeConnection.connect({ address });
const client = new Client({ connection, namespace });

const LONGEST_WATCH_MS = 2_000;

async function watchStage(request: WatchRequest): Promise<WatchAnswer> {
  heartbeat();
  await sleep(LONGEST_WATCH_MS * watchLasts(request));
  return answerByDice(client, request);
}

const worker = await Worker.create({
  connection,
  namespace,
  taskQueue: WORKFLOW_QUEUE,
  workflowBundle: { codePath: bundle },
  activities: { ...activitiesWithoutJobs(client, Date.now), watchStage },
  // Most tasks are replays: what is kept in memory only would be missed.
  maxCachedWorkflows: 4,
  stickyQueueScheduleToStartTimeout: '1s',
  shutdownGraceTime: 200,
});
// Whoever started it holds the other end, and takes it along however it ends.
process.stdin.once('end', () => process.exit(1)).resume();
const woken = once(process, 'SIGUSR2');
process.stdout.write('It stands by.\n');
await woken;
process.once('SIGTERM', () => worker.shutdown());
await worker.run();
await connection.close();
process.stdin.destroy();
