/**
 * What a thousand waiting jobs cost one worker process in memory, and whether their webhooks all arrive.
 *
 *     npx tsx bench/waiting-jobs.ts [jobs] [seconds the service takes]
 *
 * Everything runs on this machine, bounded in number and time: a Temporal dev server, the sandbox and the receiver in this process,
 * `playbook worker` in another (from `dist/`, so build first), whose resident memory is read while all jobs wait.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { msToTs } from '@temporalio/common/lib/time.js';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import pino from 'pino';
import { integration as docproc } from '../integrations/docproc/src/index.ts';
import { changeControl, createPlaybookClient } from '../src/client/index.ts';
import { SEARCH_ATTRIBUTES } from '../src/contracts/search-attributes.ts';
import { temporalBinary } from '../src/provision/index.ts';
import { defaultClient, defaultWebhookSecret, startSandbox } from '../src/sandbox/index.ts';
import { createTemporalHandOver, startReceiver } from '../src/webhooks/index.ts';

const JOBS = Number(process.argv[2] ?? 1_000);
const SERVICE_MS = Number(process.argv[3] ?? 120) * 1_000;
const GIVE_UP_MS = SERVICE_MS + 600_000;
const TOKEN_SECRET = 'callback-token-secret-of-the-bench';
const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Resident memory and its peak, in MB, as Linux counts it. */
function residentMb(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name: string): number => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
  return { now: read('VmRSS'), peak: read('VmHWM') };
}

const folder = await mkdtemp(join(tmpdir(), 'playbook-waiting-'));
const logger = pino({ level: 'silent' });
const env = await TestWorkflowEnvironment.createLocal({
  server: {
    executable: { type: 'existing-path', path: await temporalBinary() },
    log: { format: 'json', level: 'never' },
    searchAttributes: Object.values(SEARCH_ATTRIBUTES),
  },
});
await env.connection.workflowService.updateNamespace({
  namespace: 'default',
  config: { workflowExecutionRetentionTtl: msToTs('30d') },
});
const sandbox = await startSandbox({
  limit: { rate: 10_000 },
  processing: { minMs: SERVICE_MS, maxMs: SERVICE_MS + 10_000 },
});
const receiver = await startReceiver({
  port: 0,
  logger,
  handOver: createTemporalHandOver({ client: env.client, logger }),
  services: new Map([
    [
      docproc.service,
      {
        integration: docproc,
        toleranceMs: 300_000,
        secrets: async () => [defaultWebhookSecret],
        tokenSecrets: async () => [TOKEN_SECRET],
      },
    ],
  ]),
});
const config = join(folder, 'config.yaml');
await writeFile(
  config,
  `environment: sandbox
service:
  base_url: ${sandbox.url}
  version: v3
  timeouts: { connect_ms: 1000, read_ms: 10000 }
  retry: { max_attempts: 5, backoff_ms: '200,400,800' }
  rate_limit: { qps_cap: 200 }
auth:
  type: oauth_client_credentials
  token_url: ${sandbox.url}/oauth/token
  scopes: [jobs.write, jobs.read]
  client_id: ${defaultClient.id}
  client_secret: env:DOCPROC_CLIENT_SECRET
webhook: { public_url: '${receiver.url}', secrets: ['env:DOCPROC_WEBHOOK_SECRET'], token_secret: 'env:DOCPROC_CALLBACK_SECRET' }
polling: { grace_ms: 3600000, initial_ms: 60000, factor: 1, max_ms: 60000 }
`,
);
const bin = fileURLToPath(new URL('../bin/playbook.js', import.meta.url));
// By its first line, which sets the options a worker runs with.
const worker = spawn(bin, ['worker', '--config', `${docproc.service}=${config}`], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: {
    ...process.env,
    TEMPORAL_ADDRESS: env.address,
    DOCPROC_CLIENT_SECRET: defaultClient.secret,
    DOCPROC_WEBHOOK_SECRET: defaultWebhookSecret,
    DOCPROC_CALLBACK_SECRET: TOKEN_SECRET,
  },
});
const pid = worker.pid ?? 0;
const gone = new Promise<never>((_, reject) =>
  worker.once('close', (code) => reject(new Error(`The worker ended with ${code}.`))),
);
gone.catch(() => undefined);
try {
  await Promise.race([
    changeControl(env.client, docproc.service, 'enable', { actor: 'bench', reason: 'to measure' }),
    gone,
  ]);
  print(`one worker, idle: ${residentMb(pid).now} MB resident`);
  const playbook = createPlaybookClient(env.client);
  const startedMs = Date.now();
  const jobs = [];
  for (let n = 0; n < JOBS; n += 1) {
    const content = `document ${n}`;
    const path = join(folder, `${n}.txt`);
    await writeFile(path, content);
    const document = {
      uri: pathToFileURL(path).href,
      sha256: createHash('sha256').update(content).digest('hex'),
      bytes: Buffer.byteLength(content),
      contentType: 'text/plain' as const,
    };
    jobs.push(await playbook.start(docproc, { document, options: { format: 'text' } }, { key: `waiting-${n}` }));
  }
  const accepted = (): number => sandbox.requests({ accepted: true }).length;
  while (accepted() < JOBS && Date.now() - startedMs < GIVE_UP_MS) await sleep(200);
  print(`${accepted()} jobs accepted after ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
  await sleep(5_000);
  const waiting = residentMb(pid);
  print(`${JOBS} jobs waiting: ${waiting.now} MB resident (peak ${waiting.peak} MB)`);

  const outcomes = await Promise.all(jobs.map((job) => job.result({ maxWaitMs: GIVE_UP_MS })));
  const after = residentMb(pid);
  print(
    `all ended after ${((Date.now() - startedMs) / 1000).toFixed(1)} s: ${after.now} MB resident (peak ${after.peak} MB)`,
  );
  const ways = new Map<string, number>();
  for (const outcome of outcomes) {
    const looks =
      outcome.state === 'PENDING' ? '' : ` with ${outcome.webhooks} webhook(s) and ${outcome.polls} look(s)`;
    ways.set(`${outcome.state}${looks}`, (ways.get(`${outcome.state}${looks}`) ?? 0) + 1);
  }
  for (const [way, count] of ways) print(`${count} ${way}`);
  const honoured = outcomes.filter((outcome) => outcome.state === 'COMPLETED' && outcome.webhooks >= 1).length;
  print(`${honoured} of ${JOBS} completed by their webhook`);
  if (honoured !== JOBS || after.peak > 400) process.exitCode = 1;
} finally {
  worker.kill('SIGTERM');
  await gone.catch(() => undefined);
  await receiver.close();
  await sandbox.close();
  await env.teardown();
  await rm(folder, { recursive: true, force: true });
}
