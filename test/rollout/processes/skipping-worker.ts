/**
 * Workers of rollouts whose watches answer by dice, one for each time-skipping server; argument 1 is {@link SkippingWorkerArguments}
 * as JSON. They poll from SIGUSR2 on, so that they can stand by, and end in order on SIGTERM.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { activityInfo, ApplicationFailure } from '@temporalio/activity';
import { Client } from '@temporalio/client';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { WORKFLOW_QUEUE } from '../../../src/contracts/queues.ts';
import type { WatchRequest } from '../../../src/rules/rollout/messages.ts';
import { activitiesWithoutJobs, answerByDice, watchLasts } from '../lab/dice.ts';
import type { SkippingWorkerArguments } from '../lab/skipping.ts';

const { addresses, bundle } = JSON.parse(process.argv[2] ?? '') as SkippingWorkerArguments;
Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  shutdownSignals: [],
});

const LONGEST_WATCH_MS = 200_000;
const LINGERS_MS = 300;

async function createWorker(address: string): Promise<Worker> {
  const connection = await NativeConnection.connect({ address });
  const client = new Client({ connection });
  const activities = {
    // The server's time, which is not ours.
    ...activitiesWithoutJobs(client, () => activityInfo().currentAttemptScheduledTimestampMs),
    watchStage: async (request: WatchRequest) => {
      const { attempt, scheduledTimestampMs: nowMs } = activityInfo();
      if (attempt > 1) {
        // Whoever is to interfere does so now.
        await sleep(LINGERS_MS);
        return answerByDice(client, request);
      }
      // No time is skipped while an activity runs, but between two attempts it is.
      const nextRetryDelay = 1_000 + Math.ceil(LONGEST_WATCH_MS * watchLasts(request));
      throw ApplicationFailure.create({ message: String(nowMs + nextRetryDelay), nextRetryDelay });
    },
  };
  return Worker.create({
    connection,
    taskQueue: WORKFLOW_QUEUE,
    workflowBundle: { codePath: bundle },
    activities,
    // A queue of its own, which a worker gets with its cache, is one that the time-skipping server never takes a task back from.
    maxCachedWorkflows: 0,
    shutdownGraceTime: 200,
  });
}

const workers = await Promise.all(addresses.map(createWorker));
// Whoever started it holds the other end, and takes it along however it ends.
process.stdin.once('end', () => process.exit(1)).resume();
const woken = once(process, 'SIGUSR2');
process.stdout.write('It stands by.\n');
await woken;
process.once('SIGTERM', () => workers.forEach((worker) => worker.shutdown()));
await Promise.all(workers.map((worker) => worker.run()));
process.exit(0);
