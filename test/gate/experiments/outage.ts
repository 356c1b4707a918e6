import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../helpers/until.ts';
import { gated } from '../lab/gated.ts';
import { startLab, type Environment, type Lab } from '../lab/lab.ts';
import { traffic } from '../lab/sandbox.ts';

/** What an outage of the service cost. */
export interface Outage {
  readonly seconds: number;
  /** Requests until the breaker opened, and from there to the end of the outage. */
  readonly requestsToOpen: number;
  readonly probes: number;
  readonly failedJobs: number;
  /** Of those, what each said. */
  readonly errors: readonly string[];
  readonly asked: number;
  readonly completed: number;
  /** From the end of the outage to the first answer that was none. */
  readonly resumedMs: number;
}

/** Lets the service answer 503 to everything for a while. */
export async function outage(
  env: Environment,
  { cap, jobs, seconds }: { readonly cap: number; readonly jobs: number; readonly seconds: number },
): Promise<Outage> {
  const lab = await startLab({ ...env, cap, workers: 3, sandbox: { processing: { minMs: 100, maxMs: 300 } } });
  try {
    await lab.newHolder();
    await lab.startJobs('outage', jobs);
    await until('work is under way', async () => traffic(await lab.sandbox.requests()).jobs > 5, 30_000);
    const seq = await lab.sandbox.seq();
    await lab.sandbox.faults({ rules: [{ kind: 'error', status: 503 }] });
    const beganMs = Date.now();
    await sleep(seconds * 1_000);
    await lab.sandbox.clearFaults();
    const endedMs = Date.now();
    const during = (await lab.sandbox.requests(seq)).filter(({ at, status }) => at < endedMs && status === 503);
    await until('all jobs are over', async () => (await lab.countJobs('outage', 'Running')) === 0, 240_000);
    const after = (await lab.sandbox.requests(seq)).find(({ at, status }) => at >= endedMs && (status ?? 0) < 400);
    const opening = during.filter(({ at }) => at < beganMs + 3_000).length;
    return {
      seconds,
      requestsToOpen: opening,
      probes: during.length - opening,
      failedJobs: await lab.countJobs('outage', 'Failed'),
      errors: await errorsOf(lab),
      asked: jobs,
      completed: await lab.countJobs('outage', 'Completed'),
      resumedMs: (after?.at ?? Infinity) - endedMs,
    };
  } finally {
    await lab.close();
  }
}

async function errorsOf({ client, playbook }: Lab): Promise<string[]> {
  const errors: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query: "ExecutionStatus = 'Failed'" })) {
    const answer = await playbook.job(gated, workflowId.split('/')[1] ?? '').result({ maxWaitMs: 1_000 });
    if (answer.state !== 'PENDING') errors.push(`${answer.error?.code}: ${answer.error?.message}`);
  }
  return errors;
}
