import type { Client } from '@temporalio/client';
import type { BatchInput } from '../contracts/batch.ts';
import type { BatchItem } from './batch-pack.ts';
import { listParts, partsQuery } from './batch-parts.ts';
import { translating } from './errors.ts';
import { firstArgument } from './first-argument.ts';

/** The jobs of a batch as its caller brought them, in their order: Temporal has their inputs. */
export async function* batchItems(
  client: Client,
  service: string,
  name: string,
): AsyncGenerator<BatchItem<unknown>, void> {
  const parts: { readonly part: number; readonly workflowId: string; readonly firstRunId: string }[] = [];
  await translating(async () => {
    for await (const { memo, workflowId, firstRunId } of listParts(client, partsQuery(service, name))) {
      parts.push({ part: memo.part, workflowId, firstRunId });
    }
  });
  for (const { workflowId, firstRunId } of parts.toSorted((a, b) => a.part - b.part)) {
    const { jobs } = await firstArgument<BatchInput>(client, workflowId, firstRunId);
    yield* jobs;
  }
}
