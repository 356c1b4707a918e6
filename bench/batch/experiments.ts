import { setTimeout as sleep } from 'node:timers/promises';
import type { JobOutcome } from '../../src/contracts/jobs.ts';
import { JOB_BATCH_WORKFLOW } from '../../src/contracts/batch.ts';
import { EXTERNAL_JOB_WORKFLOW } from '../../src/contracts/messages.ts';
import { cpuMs, memoryMb, startBatchLab, type BatchLab, type Part } from './lab.ts';
import { SERVICE, stubbed } from './stubbed.ts';

/** A cap no experiment reaches. */
const NO_CAP = 1_000;

type Cpu = Readonly<Record<Part | 'client', number>>;

async function cpuOf(lab: BatchLab): Promise<Cpu> {
  const of = (part: Part): Promise<number> => cpuMs(lab.pid(part));
  return {
    server: await of('server'),
    worker: await of('worker'),
    receiver: await of('receiver'),
    stub: await of('stub'),
    client: await cpuMs(process.pid),
  };
}

function perJob(before: Cpu, after: Cpu, jobs: number): Cpu {
  const each = (part: keyof Cpu): number => Number(((after[part] - before[part]) / jobs).toFixed(3));
  return {
    server: each('server'),
    worker: each('worker'),
    receiver: each('receiver'),
    stub: each('stub'),
    client: each('client'),
  };
}

function* items(prefix: string, count: number, unit?: string) {
  for (let nth = 0; nth < count; nth += 1) {
    yield {
      key: `${prefix}-${nth}`,
      input: { text: `text of ${prefix}-${nth}` },
      ...(unit === undefined ? {} : { unit }),
    };
  }
}

/** Reads all results and holds each against what it must be. */
async function check(results: AsyncIterable<JobOutcome<{ text: string }>>) {
  const seen = { completed: 0, refused: 0, wrong: 0, twice: 0 };
  const keys = new Set<string>();
  for await (const { key, state, result, error } of results) {
    if (keys.has(key)) seen.twice += 1;
    keys.add(key);
    if (state === 'COMPLETED' && result?.text === `text of ${key}`) seen.completed += 1;
    else if (error?.code === 'VALIDATION') seen.refused += 1;
    else seen.wrong += 1;
  }
  return { ...seen, keys: keys.size };
}

async function historyBytes(lab: BatchLab, type: string): Promise<number> {
  let bytes = 0;
  for await (const { raw } of lab.client.workflow.list({ query: `WorkflowType = '${type}'` })) {
    bytes += Number(raw.historySizeBytes ?? 0);
  }
  return bytes;
}

async function runBatch(lab: BatchLab, name: string, count: number) {
  const before = await cpuOf(lab);
  const startMs = performance.now();
  const batch = lab.playbook.startMany(stubbed, items(name, count), { name });
  const seen = await check(batch.results());
  const seconds = (performance.now() - startMs) / 1_000;
  const cpu = perJob(before, await cpuOf(lab), count);
  return { ...seen, perSecond: count / seconds, cpuMsPerJob: cpu };
}

async function runSingles(lab: BatchLab, prefix: string, count: number) {
  const before = await cpuOf(lab);
  const startMs = performance.now();
  const waiting = [...items(prefix, count)];
  let completed = 0;
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
        const job = await lab.playbook.start(stubbed, item.input, { key: item.key });
        const outcome = await job.result();
        if (outcome.state === 'COMPLETED') completed += 1;
      }
    }),
  );
  const seconds = (performance.now() - startMs) / 1_000;
  return { completed, perSecond: count / seconds, cpuMsPerJob: perJob(before, await cpuOf(lab), count) };
}

/** Jobs a second and processor time a job, one workflow for each against a batch, in turns on the same processes. */
export async function throughput(singles = 300, batched = 10_000) {
  const lab = await startBatchLab({ cap: NO_CAP });
  try {
    await runSingles(lab, 'warm', 30);
    await runBatch(lab, 'warm-batch', 500);
    const first = await runSingles(lab, 'first', singles);
    const batch = await runBatch(lab, 'measured', batched);
    const second = await runSingles(lab, 'second', singles);
    const perSecond = (first.perSecond + second.perSecond) / 2;
    const server = (first.cpuMsPerJob.server + second.cpuMsPerJob.server) / 2;
    const singleJobs = 2 * singles + 30;
    return {
      singles: [first, second],
      batch,
      timesFaster: batch.perSecond / perSecond,
      serverCpuShare: batch.cpuMsPerJob.server / server,
      historyBytesPerJob: {
        single: (await historyBytes(lab, EXTERNAL_JOB_WORKFLOW)) / singleJobs,
        batch: (await historyBytes(lab, JOB_BATCH_WORKFLOW)) / (batched + 500),
      },
    };
  } finally {
    await lab.close();
  }
}

/** Many jobs with faults, while worker, receiver and server are killed in turn; then everybody's books are compared. */
export async function audit(jobs = 100_000, killEveryMs = 30_000) {
  const lab = await startBatchLab({ cap: NO_CAP, faulty: true });
  const kills = { server: 0, worker: 0, receiver: 0 };
  const most = { worker: 0, client: 0 };
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      most.worker = Math.max(most.worker, await memoryMb(lab.pid('worker')));
      most.client = Math.max(most.client, process.memoryUsage.rss() / 1_048_576);
      await sleep(500);
    }
  })();
  const killing = (async () => {
    const order = ['worker', 'receiver', 'server'] as const;
    for (let nth = 0; !isOver; nth += 1) {
      for (let waitedMs = 0; waitedMs < killEveryMs && !isOver; waitedMs += 200) await sleep(200);
      const part = order[nth % order.length] ?? 'worker';
      if (isOver) return;
      console.log(
        Date.now() % 1e6,
        'kill',
        part,
        JSON.stringify(
          await lab.playbook
            .batch(stubbed, 'audited')
            .progress()
            .catch((error: unknown) => String(error)),
        ),
      );
      await lab.kill(part);
      kills[part] += 1;
    }
  })();
  try {
    const startMs = performance.now();
    const seen = await resilient(lab, 'audited', jobs);
    const seconds = (performance.now() - startMs) / 1_000;
    isOver = true;
    await Promise.all([watching, killing]);
    const stub = await lab.audit();
    return { jobs, seconds, perSecond: jobs / seconds, kills, seen, stub, mostMemoryMb: most };
  } finally {
    isOver = true;
    await Promise.allSettled([watching, killing]);
    await lab.close();
  }
}

/** Feeds and reads, and takes both up again by name when the server is killed under them. */
async function resilient(lab: BatchLab, name: string, count: number) {
  const seen = new Map<string, boolean>();
  const counts = { completed: 0, refused: 0, wrong: 0, different: 0, resumed: 0 };
  for (;;) {
    try {
      const batch = lab.playbook.startMany(stubbed, items(name, count), { name });
      for await (const { key, state, result, error } of batch.results()) {
        const good = state === 'COMPLETED' && result?.text === `text of ${key}`;
        const known = seen.get(key);
        if (known !== undefined) {
          if (known !== good) counts.different += 1;
          continue;
        }
        seen.set(key, good);
        if (good) counts.completed += 1;
        else if (error?.code === 'VALIDATION') counts.refused += 1;
        else counts.wrong += 1;
      }
      await batch.fed;
      return { ...counts, keys: seen.size };
    } catch (error) {
      if ((error as { code?: string }).code !== 'TEMPORAL_UNREACHABLE' && !/UNAVAILABLE|shut|gRPC/i.test(String(error)))
        throw error;
      counts.resumed += 1;
      await sleep(1_000);
    }
  }
}

/** A cap of 50 a second with batches and single jobs behind it: what the service counted. */
export async function capped(jobs = 1_500) {
  const lab = await startBatchLab({ cap: 50 });
  try {
    const batch = runBatch(lab, 'capped', jobs);
    await sleep(5_000);
    const singles = await runSingles(lab, 'beside', 20);
    const ran = await batch;
    const { posts, worstSecond, firstMs, lastMs } = await lab.audit();
    return {
      posts,
      worstSecond,
      perSecond: ((posts - 1) * 1_000) / (lastMs - firstMs),
      singles: singles.completed,
      batch: ran.completed,
    };
  } finally {
    await lab.close();
  }
}

/** Single jobs, two a second, alone and beside a batch: how long each takes. */
export async function beside(cap: number, seconds = 30, jobs = 100_000) {
  const lab = await startBatchLab({ cap });
  const latencies = async (prefix: string): Promise<{ p50: number; p95: number; jobs: number }> => {
    const taken: Promise<number>[] = [];
    for (let nth = 0; nth < seconds * 2; nth += 1) {
      const startMs = performance.now();
      const one = async (): Promise<number> => {
        const job = await lab.playbook.start(stubbed, { text: 'single' }, { key: `${prefix}-${nth}`, unit: 'single' });
        await job.result();
        return performance.now() - startMs;
      };
      taken.push(one());
      await sleep(500);
    }
    const sorted = (await Promise.all(taken)).toSorted((a, b) => a - b);
    const at = (share: number): number => Math.round(sorted[Math.floor(sorted.length * share)] ?? 0);
    return { p50: at(0.5), p95: at(0.95), jobs: sorted.length };
  };
  try {
    await latencies('warm');
    const alone = await latencies('alone');
    const batch = lab.playbook.startMany(stubbed, items('flood', jobs), { name: 'flood' });
    batch.fed.catch(() => undefined);
    await sleep(5_000);
    const before = await batch.progress();
    const startMs = performance.now();
    const withBatch = await latencies('beside');
    const after = await batch.progress();
    const batchPerSecond = ((after.COMPLETED - before.COMPLETED) * 1_000) / (performance.now() - startMs);
    await batch.cancel();
    return { cap, alone, withBatch, p95Times: withBatch.p95 / alone.p95, batchPerSecond };
  } finally {
    await lab.close();
  }
}

/** What `npm run bench:batch` runs. */
export const experiments: Readonly<Record<string, () => Promise<object>>> = {
  throughput: () => throughput(),
  audit: () => audit(),
  capped: () => capped(),
  'beside-50': () => beside(50),
  'beside-uncapped': () => beside(NO_CAP),
};
