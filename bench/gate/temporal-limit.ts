import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { SubmitRequest } from '../../src/contracts/activities.ts';
import { submitQueue } from '../../src/contracts/queues.ts';
import { startLoadGenerator } from '../../test/gate/lab/load.ts';
import { DOCUMENT_SHA256 } from '../../test/gate/lab/gated.ts';
import type { Environment } from '../../test/gate/lab/lab.ts';
import { startLabSandbox, traffic } from '../../test/gate/lab/sandbox.ts';
import { QUIET_WORK, type Steady } from '../../test/gate/experiments/steady.ts';

const SERVICE = 'plain';

/** The steady backlog of `steady`, paced by the task queue's own limit: three workers, `maxTaskQueueActivitiesPerSecond` at the cap. */
export async function temporalLimit(env: Environment, cap: number, seconds: number): Promise<Steady> {
  const sandbox = await startLabSandbox({ limit: { rate: cap }, ...QUIET_WORK });
  const submitJob = async ({ key }: SubmitRequest): Promise<object> => {
    const answer = await fetch(`${sandbox.url}/v3/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ input: `sha256:${DOCUMENT_SHA256}`, options: { format: 'text' }, reference: `${key}~1` }),
    });
    if (!answer.ok) throw new Error(`The service answered ${answer.status}`);
    return (await answer.json()) as object;
  };
  const workers = await Promise.all(
    [1, 2, 3].map(async () => {
      const connection = await NativeConnection.connect({ address: env.address });
      const worker = await Worker.create({
        connection,
        namespace: env.namespace,
        taskQueue: submitQueue(SERVICE),
        activities: { submitJob },
        maxTaskQueueActivitiesPerSecond: cap,
      });
      return { connection, worker, running: worker.run() };
    }),
  );
  const load = await startLoadGenerator(env.client, env.address, env.namespace);
  try {
    const perWorkflow = 250;
    const workflows = Math.ceil((cap * (seconds + 15)) / perWorkflow);
    await load.add(`temporal-${cap}`, { service: SERVICE, count: perWorkflow, unit: 'unit' }, workflows);
    await sleep(6_000);
    const fromMs = Date.now();
    await sleep(seconds * 1_000);
    const toMs = Date.now();
    const seen = traffic((await sandbox.requests()).filter(({ at }) => at >= fromMs && at < toMs));
    const perSecond = (seen.jobs * 1_000) / (toMs - fromMs);
    return { cap, perSecond, usedShare: perSecond / cap, worstSecond: seen.worstSecond, refused: seen.refused };
  } finally {
    for (let nth = 0; nth < 100; nth += 1) {
      const ended = await env.client.workflow
        .getHandle(`temporal-${cap}-${nth}`)
        .terminate('over')
        .then(
          () => true,
          () => false,
        );
      if (!ended) break;
    }
    for (const { worker } of workers) worker.shutdown();
    await Promise.all(workers.map(({ running }) => running));
    await Promise.all(workers.map(({ connection }) => connection.close()));
    await load.close();
    await sandbox.close();
  }
}
