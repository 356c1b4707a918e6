import { until } from '../../helpers/until.ts';
import { POLL_SHARE } from '../../../src/rules/gate/poll-share.ts';
import { startLab, type Environment } from '../lab/lab.ts';
import { traffic } from '../lab/sandbox.ts';

/** What it took to hear of jobs that no webhook tells of. */
export interface Polling {
  readonly jobs: number;
  readonly completed: number;
  /** Whether the service could list its jobs. */
  readonly swept: boolean;
  /** Requests for each job beyond its submit: status and list. */
  readonly polls: number;
  readonly lists: number;
  readonly requestsPerJob: number;
  /** Once all were submitted: the most status requests in any 10 s, as a share of the cap, and what they may use. */
  readonly worstPollShare: number;
  readonly mayUse: number;
  readonly refused: number;
  readonly worstSecond: number;
  /** From the last submit to the end of the last job. */
  readonly drainMs: number;
}

/** Submits jobs that take `busySeconds`, with nobody to receive webhooks, and waits for all of them. */
export async function polling(
  env: Environment,
  options: { readonly cap: number; readonly jobs: number; readonly busySeconds: number; readonly canList: boolean },
): Promise<Polling> {
  const { cap, jobs, busySeconds, canList } = options;
  const busyMs = busySeconds * 1_000;
  const noList = { kind: 'error', status: 404, method: 'GET', path: '/v3/jobs' } as const;
  const lab = await startLab({
    ...env,
    cap,
    workers: 3,
    config: 'polling: { grace_ms: 1000, initial_ms: 2000, factor: 1.5, max_ms: 5000 }',
    sandbox: { processing: { minMs: busyMs, maxMs: busyMs * 1.2 }, faults: { rules: canList ? [] : [noList] } },
  });
  try {
    await lab.newHolder();
    await lab.startJobs('polled', jobs);
    const submitted = async (): Promise<boolean> => traffic(await lab.sandbox.requests()).jobs === jobs;
    await until('all jobs are at the service', submitted, jobs * 200 + 60_000);
    const submittedMs = Date.now();
    await until(
      'all jobs are over',
      async () => (await lab.countJobs('polled', 'Running')) === 0,
      jobs * 400 + 120_000,
    );
    const overMs = Date.now();
    const seen = await lab.sandbox.requests();
    const isPoll = ({ method, path }: { method: string; path: string }): boolean =>
      method === 'GET' && path !== '/v3/jobs';
    const polls = seen.filter(isPoll);
    const lists = seen.filter(({ method, path }) => method === 'GET' && path === '/v3/jobs');
    const { refused, worstSecond } = traffic(seen);
    return {
      jobs,
      completed: await lab.countJobs('polled', 'Completed'),
      swept: canList,
      polls: polls.length,
      lists: lists.length,
      requestsPerJob: seen.length / jobs,
      worstPollShare:
        traffic(
          polls.filter(({ at }) => at > submittedMs),
          10_000,
        ).worstSecond /
        (10 * cap),
      mayUse: POLL_SHARE,
      refused,
      worstSecond,
      drainMs: overMs - submittedMs,
    };
  } finally {
    await lab.close();
  }
}
