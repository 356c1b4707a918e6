import type { BatchItem, PlaybookClient } from '../../client/index.ts';
import type { Integration } from '../../definition/index.ts';

/** The jobs of a batch that did not complete, as a batch of their own. */
export interface FailedJobs {
  readonly name: string;
  readonly items: AsyncIterable<BatchItem<unknown>>;
}

/**
 * The jobs of a batch, or of its latest repetition, that FAILED or were CANCELED, as the next generation; `undefined` when there is no such batch.
 * A repetition that is under way is taken up again.
 * @param all every job of the batch, with its input
 */
export async function failedJobs(
  playbook: PlaybookClient,
  integration: Integration,
  first: string,
  all: () => AsyncIterable<BatchItem<unknown>>,
): Promise<FailedJobs | undefined> {
  let from = playbook.batch(integration, first);
  if ((await from.progress({ exact: true })).jobs === 0) return undefined;
  let name = `${first}.retry-1`;
  for (let nth = 1; ; nth += 1) {
    name = `${first}.retry-${nth}`;
    const retry = playbook.batch(integration, name);
    const { jobs, complete, closedMs } = await retry.progress({ exact: true });
    if (jobs === 0 || !complete || closedMs === null) break;
    from = retry;
  }
  const failed = new Map<string, number>();
  for await (const { key, state, generation } of from.results()) {
    if (state !== 'COMPLETED') failed.set(key, generation);
  }
  const items = async function* (): AsyncGenerator<BatchItem<unknown>, void> {
    for await (const item of all()) {
      const generation = failed.get(item.key);
      if (generation !== undefined) yield { ...item, generation: generation + 1 };
    }
  };
  return { name, items: items() };
}
