import type { Client } from '@temporalio/client';
import type { BatchInput } from '../contracts/batch.ts';
import type { BatchItem } from './batch-pack.ts';
import { partsById } from './batch-parts.ts';
import { translating } from './errors.ts';
import { firstArgument } from './first-argument.ts';

/** The jobs of a batch as its caller brought them, in their order: Temporal has their inputs. */
export async function* batchItems(
  client: Client,
  service: string,
  name: string,
): AsyncGenerator<BatchItem<unknown>, void> {
  const parts: { readonly workflowId: string; readonly firstRunId: string }[] = [];
  await translating(async () => {
    // By their ids: one that visibility does not show yet must not be left out.
    for await (const { workflowId, firstRunId } of partsById(client, service, name))
      parts.push({ workflowId, firstRunId });
  });
  for (const { workflowId, firstRunId } of parts) {
    const { jobs } = await firstArgument<BatchInput>(client, workflowId, firstRunId);
    yield* jobs;
  }
}
