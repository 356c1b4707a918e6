import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import pino from 'pino';
import type { ServiceRuntime } from '../../src/activities/index.ts';
import { createPlaybookClient } from '../../src/client/index.ts';
import type { PlaybookClient } from '../../src/client/index.ts';
import { createGateSeat, createJobWorker } from '../../src/workers/index.ts';
import type { JobWorkerOptions } from '../../src/workers/index.ts';
import { enable } from './enable.ts';
import { connectToServer, testNamespace, withWorkflowCoverage, workflowBundlePath } from './temporal.ts';

/** Runs the worker of some services; call what it resolves with to stop it. */
export async function runJobWorker(
  connection: NativeConnection,
  namespace: string,
  services: readonly ServiceRuntime[],
  options: Partial<JobWorkerOptions> = {},
): Promise<() => Promise<void>> {
  const worker = await createJobWorker({
    connection,
    namespace,
    // What a script answers never reaches a socket, so nobody has to sit in these seats.
    services: services.map((runtime) => ({ seat: createGateSeat(runtime.integration.service), ...runtime })),
    logger: pino({ level: 'silent' }),
    workflowBundle: { codePath: workflowBundlePath() },
    augment: withWorkflowCoverage,
    shutdownGraceMs: 2000,
    ...options,
  });
  const running = worker.run();
  return async () => {
    worker.shutdown();
    await running;
  };
}

/**
 * Ends what a test file left running: a gate or control state that outlives it would be the next file's. A start shows in a
 * list some tens of milliseconds late, so it looks until there has been nothing for a while.
 */
export async function terminateAll(client: Client): Promise<void> {
  for (let quiet = 0; quiet < 2;) {
    let found = 0;
    for await (const { workflowId } of client.workflow.list({ query: `ExecutionStatus = 'Running'` })) {
      found += 1;
      await client.workflow.getHandle(workflowId).terminate('test over').catch(unlessOver);
    }
    quiet = found === 0 ? quiet + 1 : 0;
    await sleep(LISTED_WITHIN_MS);
  }
}

const LISTED_WITHIN_MS = 250;

function unlessOver(error: unknown): void {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}

/** A worker for scripted services on the shared dev server, and a client. */
export interface JobBench {
  readonly temporal: Client;
  readonly playbook: PlaybookClient;
  readonly close: () => Promise<void>;
}

export async function startJobBench(services: readonly ServiceRuntime[]): Promise<JobBench> {
  const namespace = testNamespace();
  const server = await connectToServer(undefined, namespace);
  const stop = await runJobWorker(server.nativeConnection, namespace, services);
  await enable(
    server.client,
    services.map(({ integration }) => integration.service),
  );
  return {
    temporal: server.client,
    playbook: createPlaybookClient(server.client),
    close: async () => {
      await terminateAll(server.client);
      await stop();
      await server.close();
    },
  };
}
