/**
 * A worker of rollouts whose watches answer by dice, for as many as there are; argument 1 is {@link RollingWorkerArguments} as
 * JSON. It polls from SIGUSR2 on, so that it can stand by, and ends in order on SIGTERM.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { activityInfo, heartbeat } from '@temporalio/activity';
import { Client } from '@temporalio/client';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createRolloutActivities } from '../../../src/activities/index.ts';
import { changeControl, readControl } from '../../../src/client/index.ts';
import { renewLease } from '../../../src/client/rollout.ts';
import { WORKFLOW_QUEUE } from '../../../src/contracts/queues.ts';
import { bucketOf } from '../../../src/rules/bucketing.ts';
import { markOf, type WatchAnswer, type WatchRequest } from '../../../src/rules/rollout/messages.ts';
import { seen } from '../../rules/rollout/fixtures.ts';
import type { RollingWorkerArguments } from '../lab/rolling-workers.ts';

const { address, namespace, bundle } = JSON.parse(process.argv[2] ?? '') as RollingWorkerArguments;
Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  shutdownSignals: [],
});
const connection = await NativeConnection.connect({ address });
const client = new Client({ connection, namespace });
const real = createRolloutActivities({
  readControl: (service) => readControl(client, service),
  setWeight: (service, change) => changeControl(client, service, 'setWeight', change),
  renewLease: (service, renewal) => renewLease(client, service, renewal),
  source: { read: async () => [] },
  outage: async () => undefined,
  cancelJob: async () => undefined,
  now: Date.now,
  sleep,
});

/** The same watch answers the same, whichever worker gets to answer. */
async function watchStage(request: WatchRequest): Promise<WatchAnswer> {
  const { service, guardOnly, mark } = request;
  const { activityId, workflowExecution } = activityInfo();
  const dice = (what: string): number => bucketOf(what, service, `${workflowExecution?.runId}:${activityId}`) / 10_000;
  heartbeat();
  await sleep(dice('long') < 0.1 ? 2_000 : 300 * dice('wait'));
  const control = await readControl(client, service);
  if (mark !== undefined && markOf(control) !== mark) return { type: 'changed', what: `revision ${control.revision}` };
  const answer = dice('answer');
  if (answer < 0.03) return { type: 'failed', ...seen('It rolled a failure.') };
  if (answer < 0.06) return { type: 'deadline', ...seen() };
  return { type: answer < 0.7 && !guardOnly ? 'passed' : 'progress', ...seen() };
}

const worker = await Worker.create({
  connection,
  namespace,
  taskQueue: WORKFLOW_QUEUE,
  workflowBundle: { codePath: bundle },
  activities: { ...real, watchStage, notify: async () => 'unaddressed' },
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
