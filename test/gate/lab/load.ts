import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { Load } from './load-workflow.ts';

/** Puts submits onto a gate's queue, without jobs around them. */
export interface LoadGenerator {
  /** Starts `workflows` workflows of `count` submits each. */
  readonly add: (name: string, load: Load, workflows: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

const QUEUE = 'gate-load';

export async function startLoadGenerator(client: Client, address: string, namespace: string): Promise<LoadGenerator> {
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: QUEUE,
    workflowsPath: fileURLToPath(new URL('load-workflow.ts', import.meta.url)),
  });
  const running = worker.run();
  return {
    add: async (name, load, workflows) => {
      for (let nth = 0; nth < workflows; nth += 1) {
        await client.workflow.start('load', { workflowId: `${name}-${nth}`, taskQueue: QUEUE, args: [load] });
      }
    },
    close: async () => {
      worker.shutdown();
      await running;
      await connection.close();
    },
  };
}
