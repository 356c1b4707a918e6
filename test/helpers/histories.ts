import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';

const { History } = temporal.api.history.v1;
/** A history as JSON keeps it. */
type StoredHistory = { readonly events: readonly { readonly eventType: string }[] };

/** Where recorded histories are; each is replayed on every build. */
export const HISTORIES = fileURLToPath(new URL('../histories/', import.meta.url));

/** What says on which machine a history was made. `sdkMetadata` stays: replay goes by the flags in it. */
const OF_THE_MACHINE = ['identity', 'meteringMetadata', 'workerVersion', 'requestId', 'stackTrace'];

/** How many events a job's history has. */
export async function eventCount(client: Client, workflowId: string): Promise<number> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  return events?.length ?? 0;
}

/** The types of a history's events, in order: `ACTIVITY_TASK_SCHEDULED` and so on. */
export async function eventTypes(client: Client, workflowId: string): Promise<string[]> {
  const { events } = await storedHistory(client, workflowId);
  return events.map(({ eventType }) => eventType.replace(/^EVENT_TYPE_/, ''));
}

/** A kept history, as replay takes it. */
export function readHistory(json: string): temporal.api.history.v1.History {
  return History.fromObject(JSON.parse(json) as Record<string, unknown>);
}

async function storedHistory(client: Client, workflowId: string, runId?: string): Promise<StoredHistory> {
  const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  return History.toObject(History.fromObject(history), {
    longs: String,
    enums: String,
    bytes: String,
  }) as StoredHistory;
}

/**
 * Keeps a history for replay under a name that says which path the job took: see `npm run histories:record`. One that is there
 * stays as it is: what was once recorded must replay on all later code. Without `runId` it is the latest run's.
 */
export async function recordHistory(client: Client, workflowId: string, name: string, runId?: string): Promise<void> {
  if (process.env['RECORD_HISTORIES'] !== '1') return;
  const { events } = await storedHistory(client, workflowId, runId);
  const lines = events.map((event) =>
    JSON.stringify(event, (key, value: unknown) => (OF_THE_MACHINE.includes(key) ? undefined : value)),
  );
  await mkdir(HISTORIES, { recursive: true });
  try {
    await writeFile(`${HISTORIES}${name}.json`, `{"events":[\n${lines.join(',\n')}\n]}\n`, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
