import type { JobAnswer } from '../../../src/client/index.ts';
import { integration as docproc } from '../../../integrations/docproc/src/index.ts';
import type { FaultsInput } from '../../../src/sandbox/faults/schema.ts';
import type { Stack } from '../../helpers/stack.ts';
import { serviceJobs } from './service-jobs.ts';

export interface Campaign {
  /** Leads the keys of its jobs. */
  readonly name: string;
  readonly jobs: number;
  readonly faults: FaultsInput;
  /** Called once while the jobs are under way. */
  readonly meanwhile?: () => void | Promise<void>;
  /** @default 30_000 */
  readonly maxWaitMs?: number;
}

/** How a campaign went; every number is of its own jobs. */
export interface CampaignResult {
  readonly jobs: number;
  /** Ended in the state the service holds; a job the service never got must have FAILED. */
  readonly agreeing: number;
  /** Ended without anybody's help: COMPLETED, or FAILED because the service says so. */
  readonly unattended: number;
  /** Jobs the service holds more than once. */
  readonly duplicates: number;
  /** Most accepted POSTs with one idempotency key. */
  readonly mostAccepted: number;
  /** Most POSTs with one idempotency key, whatever became of them. */
  readonly mostPosts: number;
  readonly requestsPerJob: number;
  /** How often each ending occurred, such as `COMPLETED` or `FAILED THROTTLED`. */
  readonly endings: Readonly<Record<string, number>>;
  /** What disagreed, for the message of a failing test. */
  readonly disagreements: readonly string[];
  readonly seconds: number;
}

/** One job in this many is a PDF that the service accepts and cannot read. */
const BROKEN_EVERY = 8;

/** Runs jobs while faults are on, and compares how each ended with what the service holds. */
export async function runCampaign(stack: Stack, campaign: Campaign): Promise<CampaignResult> {
  const { name, jobs, maxWaitMs = 30_000 } = campaign;
  const { sandbox, playbook } = stack;
  const startedMs = performance.now();
  const before = sandbox.requests().at(-1)?.seq ?? 0;
  sandbox.faults(campaign.faults);
  let answers: JobAnswer<unknown>[];
  try {
    const running = Promise.all(
      Array.from({ length: jobs }, async (_, index) => {
        const isBroken = index % BROKEN_EVERY === BROKEN_EVERY - 1;
        const input = isBroken
          ? await stack.document(`${name}-${index}.pdf`, `%PDF-1.7 ${name} ${index} and nothing more`)
          : await stack.document(`${name}-${index}.txt`, `Document ${index} of ${name}.`);
        const job = await playbook.start(docproc, input, { key: `${name}-${index}` });
        return job.result({ maxWaitMs });
      }),
    );
    await Promise.all([running, campaign.meanwhile?.()]);
    answers = await running;
  } finally {
    sandbox.clearFaults();
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const requests = sandbox.requests({ since: before });
  return { ...(await judge(stack, answers)), ...countPosts(requests), jobs, seconds: round(seconds) };

  function countPosts(entries: typeof requests) {
    const posts = entries.filter(({ method, path }) => method === 'POST' && path === '/v3/jobs');
    const most = (of: typeof posts): number => Math.max(0, ...tally(of.map(({ key }) => String(key))).values());
    return {
      mostAccepted: most(posts.filter(({ accepted }) => accepted)),
      mostPosts: most(posts),
      requestsPerJob: round(entries.length / jobs),
    };
  }
}

async function judge(stack: Stack, answers: readonly JobAnswer<unknown>[]) {
  const held = new Map<string, string[]>();
  for (const { reference, status } of await serviceJobs(stack.sandbox)) {
    if (reference !== null) held.set(reference, [...(held.get(reference) ?? []), status]);
  }
  const disagreements: string[] = [];
  let unattended = 0;
  let duplicates = 0;
  for (const answer of answers) {
    const there = held.get(`${answer.key}~1`) ?? [];
    if (there.length > 1) duplicates += 1;
    const expected = there.length === 0 ? 'FAILED' : there.join(' and ');
    if (answer.state !== expected) {
      disagreements.push(`${answer.key} is ${ending(answer)}, at the service ${there.join(' and ') || 'unknown'}`);
    }
    if (answer.state === 'COMPLETED' || ending(answer) === 'FAILED REMOTE_FAILED') unattended += 1;
  }
  return {
    agreeing: answers.length - disagreements.length,
    unattended,
    duplicates,
    disagreements,
    endings: Object.fromEntries(tally(answers.map(ending))),
  };
}

function ending(answer: JobAnswer<unknown>): string {
  return answer.state === 'FAILED' ? `FAILED ${answer.error?.code}` : answer.state;
}

function tally(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
