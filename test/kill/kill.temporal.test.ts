import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import { enable } from '../helpers/enable.ts';
import { recordHistory } from '../helpers/histories.ts';
import { startStack, type Stack } from '../helpers/stack.ts';
import { unique } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';
import { startWorkerChild, type WorkerChild } from './worker-child.ts';

/** Longer than the test needs to kill: what the sandbox holds back so long is never answered in time. */
const HELD_MS = 60_000;

describe('a worker process killed with SIGKILL', () => {
  let stack: Stack;
  let folder: string;
  const children: WorkerChild[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'playbook-kill-'));
    stack = await startStack({
      worker: false,
      // Polling only, so that the phase of each job is in the test's hands.
      receiver: false,
      config: (url) => `service:
  base_url: ${url}
  version: v3
  timeouts: { connect_ms: 1000, read_ms: 8000, total_ms: 8000 }
  retry: { max_attempts: 5, backoff_ms: '100,200' }
  rate_limit: { qps_cap: 100 }
polling: { grace_ms: 3000, initial_ms: 1000, factor: 1, max_ms: 1000 }`,
    });
  });
  afterAll(async () => {
    await Promise.all(children.map((child) => child.kill()));
    await stack.close();
    await rm(folder, { recursive: true, force: true });
  });

  const startWorker = async (): Promise<WorkerChild> => {
    const child = await startWorkerChild(stack, join(folder, 'config.yaml'));
    children.push(child);
    return child;
  };
  const startJob = async (phase: string) => {
    const key = unique(phase);
    const input = await stack.document(`${phase}.txt`, `killed ${phase}`);
    const job = await stack.playbook.start(docproc, input, { key });
    return { job, phase, sha256: input.document.sha256 };
  };
  const open = (method: string, path: string): boolean =>
    stack.sandbox.requests({ method }).some((entry) => entry.path === path && entry.status === null);

  it('loses no job in any phase, and none is sent twice', async () => {
    const { sandbox } = stack;
    const doomed = await startWorker();
    await enable(stack.temporal, [docproc.service]);

    // After the POST was processed, before its answer was recorded.
    sandbox.faults({
      rules: [{ kind: 'latency', at: 'after', method: 'POST', path: '/v3/jobs', ms: HELD_MS, count: 1 }],
    });
    const answered = await startJob('after-post');
    await until(
      'the service has the job whose answer is held',
      () => sandbox.requests({ accepted: true }).length === 1,
    );

    // Before the result was recorded: the GET that has it is held.
    const finishing = await startJob('before-result');
    const { externalId } = await finishing.job.waitUntilAccepted();
    const path = `/v3/jobs/${externalId}`;
    sandbox.faults({ rules: [{ kind: 'latency', at: 'after', method: 'GET', path, ms: HELD_MS, count: 1 }] });
    await until('the GET with the result is held', () => open('GET', path));

    // Before the POST: the upload is held.
    const file = await stack.document('before-post.txt', 'killed before-post');
    const upload = `/v3/files/${file.document.sha256}`;
    sandbox.faults({ rules: [{ kind: 'latency', method: 'PUT', path: upload, ms: HELD_MS, count: 1 }] });
    const unsent = await startJob('before-post');
    await until('the upload is held', () => open('PUT', upload));

    // While waiting for the first poll.
    const waiting = await startJob('waiting');
    await waiting.job.waitUntilAccepted();

    expect(sandbox.requests({ accepted: true })).toHaveLength(3);
    await doomed.kill();

    await startWorker();
    const jobs = [answered, finishing, unsent, waiting];
    const outcomes = await Promise.all(jobs.map(({ job }) => job.result({ maxWaitMs: 40_000 })));
    expect(outcomes.map((outcome) => [outcome.state, 'result' in outcome && outcome.result?.text])).toEqual(
      jobs.map(({ phase }) => ['COMPLETED', `killed ${phase}`]),
    );

    const acceptedByKey = new Map<string | null, number>();
    for (const { key } of sandbox.requests({ accepted: true })) {
      acceptedByKey.set(key, (acceptedByKey.get(key) ?? 0) + 1);
    }
    expect([...acceptedByKey.values()]).toEqual([1, 1, 1, 1]);
    expect(sandbox.requests().some(({ replayed }) => replayed)).toBe(true);
    for (const { job, phase } of jobs) await recordHistory(stack.temporal, job.workflowId, `killed-${phase}`);
  });
});
