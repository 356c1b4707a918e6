import { relative } from 'node:path';
import { createJobHandle, createPlaybookClient } from '../../client/index.ts';
import type { JobHandle, JobSnapshot, PlaybookClient } from '../../client/index.ts';
import type { Embedded } from '../compose/embedded.ts';
import { fileRef, inputOf } from '../compose/file-input.ts';
import type { CliIo } from '../io.ts';
import { count, jobLink } from '../output/format.ts';
import { storyText } from '../output/story.ts';
import type { Screen } from '../output/screen.ts';
import { createJobLines } from './job-lines.ts';
import { findSample, sampleKey } from './sample.ts';
import type { Sample } from './sample.ts';

export interface Show {
  readonly io: CliIo;
  readonly screen: Screen;
  readonly embedded: Embedded;
  /** Run the sample job, too. */
  readonly sample: boolean;
}

const MAX_SHOWN = 20;
const FAREWELL = 'Ctrl-C stops all of it; jobs under way go on at the next start.';

/** Shows the jobs left from before and the sample, each to its end or until interrupted. */
export async function showJobs({ io, screen, embedded, sample: wantsSample }: Show): Promise<void> {
  const playbook = createPlaybookClient(embedded.client);
  const lines = createJobLines(io, screen);
  try {
    const left = await jobsUnderWay(playbook);
    if (left.length > 0) screen.print(`\n${resumption(left.length)}`);
    const following = left.map((job) => lines.follow(createJobHandle(embedded.client, job.workflowId), job.state));
    const sample = wantsSample
      ? await findSample(embedded.services.map(({ integration }) => integration.service))
      : undefined;
    if (sample === undefined) {
      screen.print(`\n${FAREWELL}`);
    } else {
      const handle = await startSample(playbook, embedded, sample);
      screen.print(`\nThe sample job ${handle.workflowId}, from ${relative(io.cwd, sample.path)}:`);
      await lines.follow(handle);
      if (!io.interrupt.aborted) screen.print(`${await sampleStory(embedded, handle)}\n${FAREWELL}`);
    }
    await Promise.all(following);
  } finally {
    lines.close();
    screen.live([]);
  }
}

function resumption(n: number): string {
  const jobs = n < MAX_SHOWN ? count(n, 'job') : `${MAX_SHOWN} jobs and more`;
  return `${jobs} from before ${n === 1 ? 'goes' : 'go'} on:`;
}

async function jobsUnderWay(playbook: PlaybookClient): Promise<readonly JobSnapshot[]> {
  // By their ids: one that is accepted between the two lists is in both.
  const found = new Map<string, JobSnapshot>();
  for (const state of ['CREATED', 'PROCESSING'] as const) {
    for await (const job of playbook.list({ state, limit: MAX_SHOWN - found.size })) found.set(job.workflowId, job);
  }
  return [...found.values()];
}

async function startSample(
  playbook: PlaybookClient,
  embedded: Embedded,
  { service, path }: Sample,
): Promise<JobHandle<unknown>> {
  const configured = embedded.services.find(({ integration }) => integration.service === service);
  if (configured === undefined) throw new TypeError(`no service ${service} for the sample`);
  const { integration } = configured;
  const input: unknown = inputOf(integration, await fileRef(path));
  return playbook.start(integration, input, { key: sampleKey(new Date()) });
}

async function sampleStory(embedded: Embedded, handle: JobHandle<unknown>): Promise<string> {
  const [answer, { runId }] = await Promise.all([handle.result(), handle.status()]);
  const link = jobLink(embedded.uiUrl, embedded.client.options.namespace, handle.workflowId, runId);
  return storyText(answer, link);
}
