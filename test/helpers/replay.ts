import { Client } from '@temporalio/client';
import pino from 'pino';
import { replayProof } from '../../src/cli/compose/replay-proof.ts';
import type { ReplayReport } from '../../src/cli/compose/replay-proof.ts';
import type { Integration } from '../../src/definition/index.ts';
import type { Proof } from '../../src/proof/store.ts';
import { terminateAll } from './job-worker.ts';
import { connectToServer, testNamespace, withWorkflowCoverage, workflowBundlePath } from './temporal.ts';

/** Replays a proof on the shared dev server, in this jest worker's namespace. */
export async function replayOnTestServer(
  proof: Proof,
  integration: Integration,
  options: { readonly patienceMs?: number } = {},
): Promise<ReplayReport> {
  const namespace = testNamespace();
  const server = await connectToServer(undefined, namespace);
  // A proof's job has the same key whenever it is replayed, and here an earlier replay of it has left its workflow.
  const client = new Client({
    connection: server.client.connection,
    namespace,
    interceptors: {
      workflow: [
        {
          start: (input, next) =>
            next({ ...input, options: { ...input.options, workflowIdReusePolicy: 'ALLOW_DUPLICATE' } }),
        },
      ],
    },
  });
  try {
    return await replayProof({
      proof,
      integration,
      temporal: { client, connection: server.nativeConnection, namespace },
      worker: { workflowBundle: { codePath: workflowBundlePath() }, augment: withWorkflowCoverage },
      logger: pino({ level: 'silent' }),
      ...options,
    });
  } finally {
    await terminateAll(server.client);
    await server.close();
  }
}
