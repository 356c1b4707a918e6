import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pino from 'pino';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import type { ExtractionInput } from '../../integrations/docproc/src/models.ts';
import { createSecrets, defineIntegration, parseConfig } from '../../src/definition/index.ts';
import type { IdempotencyPolicy, Integration } from '../../src/definition/index.ts';
import { defaultClient, startSandbox } from '../../src/sandbox/index.ts';
import type { Sandbox, SandboxOptions } from '../../src/sandbox/index.ts';
import { createServiceRuntime } from '../../src/workers/index.ts';
import type { OwnedRuntime } from '../../src/workers/index.ts';
import { startProxy, type Passing } from '../helpers/proxy.ts';
import { startJobBench, type JobBench } from '../helpers/job-worker.ts';
import { unique } from '../helpers/temporal.ts';

const DAY_MS = 86_400_000;
/** Few enough for the gate to take their failures for accidents. */
const JOBS = 3;

interface Variant {
  readonly name: string;
  readonly idempotency: IdempotencyPolicy;
  readonly sandbox: NonNullable<SandboxOptions['idempotency']>;
  /** Which request makes a job, at the sandbox. */
  readonly submit: { readonly method: 'POST' | 'PUT'; readonly path: string };
  readonly spec?: (submit: Integration['submit']) => Partial<Integration>;
  /** Whether a job can be found by our reference. @default true */
  readonly searchable?: false;
  /** What a service with this policy would do with the request itself. */
  readonly translate?: (passing: Passing) => void;
}

const POST = { method: 'POST', path: '/v3/jobs' } as const;
const variants: readonly Variant[] = [
  {
    name: 'header',
    idempotency: { kind: 'header', name: 'Idempotency-Key', lifetimeMs: DAY_MS },
    sandbox: 'header',
    submit: POST,
  },
  {
    name: 'quoted',
    idempotency: { kind: 'header', name: 'Idempotency-Key', quoted: true, lifetimeMs: DAY_MS },
    sandbox: 'header',
    submit: POST,
  },
  {
    name: 'put-id',
    idempotency: { kind: 'put-id', lifetimeMs: DAY_MS },
    sandbox: 'put-id',
    submit: { method: 'PUT', path: '/v3/jobs/*' },
    spec: (submit) => ({
      submit: {
        ...submit,
        request: (context) => ({
          ...submit.request(context),
          method: 'PUT',
          path: `/v3/jobs/${context.idempotencyKey}`,
        }),
      },
    }),
  },
  {
    name: 'body',
    idempotency: { kind: 'body', lifetimeMs: DAY_MS },
    sandbox: 'header',
    submit: POST,
    spec: (submit) => ({
      submit: {
        ...submit,
        request: (context) => {
          const { json, ...rest } = submit.request(context);
          return { ...rest, json: { ...(json as object), client_token: context.idempotencyKey } };
        },
      },
    }),
    translate: (passing) => {
      if (passing.path !== POST.path || passing.method !== 'POST') return;
      const { client_token, ...body } = JSON.parse(passing.body.toString()) as Record<string, unknown>;
      passing.headers['idempotency-key'] = String(client_token);
      passing.body = Buffer.from(JSON.stringify(body));
    },
  },
  { name: 'search', idempotency: { kind: 'none' }, sandbox: 'none', submit: POST },
  { name: 'nothing', idempotency: { kind: 'none' }, sandbox: 'none', submit: POST, searchable: false },
];

interface Running {
  readonly integration: Integration<ExtractionInput>;
  readonly runtime: OwnedRuntime;
  readonly sandbox: Sandbox;
  /** The Idempotency-Key headers that were sent, as they were. */
  readonly headers: (string | string[] | undefined)[];
  readonly close: () => Promise<void>;
}

async function run({ name, idempotency, sandbox: mode, spec, searchable, translate }: Variant): Promise<Running> {
  const service = `idem-${name}`;
  const sandbox = await startSandbox({
    idempotency: mode,
    limit: { rate: 1000 },
    processing: { minMs: 20, maxMs: 60 },
    webhookRetry: { delaysMs: [] },
  });
  const headers: Running['headers'] = [];
  const proxy = await startProxy(sandbox.url, (passing) => {
    if (passing.path === POST.path && passing.method === 'POST') headers.push(passing.headers['idempotency-key']);
    translate?.(passing);
  });
  const submit = { ...docproc.submit, idempotency };
  const { lookup, ...rest } = { ...docproc, submit, ...spec?.(submit), service };
  const integration: Integration<ExtractionInput> = defineIntegration({
    ...rest,
    submit: { ...rest.submit, idempotency },
    ...(lookup === undefined || searchable === false ? {} : { lookup: { ...lookup, settleMs: 300 } }),
  });
  const yaml = `
environment: sandbox
service:
  base_url: ${proxy.url}
  version: v3
  timeouts: { connect_ms: 1000, read_ms: 4000 }
  retry: { max_attempts: 5, backoff_ms: '50,100' }
  rate_limit: { qps_cap: 200 }
auth:
  type: oauth_client_credentials
  token_url: ${proxy.url}/oauth/token
  scopes: [jobs.write, jobs.read]
  client_id: ${defaultClient.id}
  client_secret: env:SECRET
polling: { grace_ms: 0, initial_ms: 100, factor: 1, max_ms: 100 }`;
  const secrets = createSecrets({ env: { SECRET: defaultClient.secret } });
  const config = parseConfig(yaml, { service });
  const runtime = createServiceRuntime({ integration, config }, { secrets, logger: pino({ level: 'silent' }) });
  const close = async (): Promise<void> => {
    await runtime.close();
    await proxy.close();
    await sandbox.close();
  };
  return { integration, runtime, sandbox, headers, close };
}

describe('a submit whose connection breaks after the service processed it', () => {
  let bench: JobBench;
  let folder: string;
  let running: Map<string, Running>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'playbook-idempotency-'));
    running = new Map(await Promise.all(variants.map(async (variant) => [variant.name, await run(variant)] as const)));
    bench = await startJobBench([...running.values()].map(({ runtime }) => runtime));
  });
  afterAll(async () => {
    await bench.close();
    await Promise.all([...running.values()].map(({ close }) => close()));
    await rm(folder, { recursive: true, force: true });
  });

  const get = (name: string): Running => {
    const found = running.get(name);
    if (found === undefined) throw new Error(`No variant ${name}`);
    return found;
  };
  const startJobs = async (name: string, count: number) => {
    const { integration } = get(name);
    return Promise.all(
      Array.from({ length: count }, async () => {
        const key = unique('job');
        const path = join(folder, `${key}.txt`);
        await writeFile(path, key);
        const document = {
          uri: pathToFileURL(path).href,
          sha256: createHash('sha256').update(key).digest('hex'),
          bytes: key.length,
          contentType: 'text/plain' as const,
        };
        return bench.playbook.start(integration, { document, options: { format: 'text' } }, { key });
      }),
    );
  };

  const repeating = variants.filter(({ name }) => name !== 'nothing');
  it.each(repeating)('is one job at a service that knows it by: $name', async ({ name, submit }) => {
    const { sandbox, headers } = get(name);
    sandbox.faults({ rules: [{ kind: 'reset', at: 'after', ...submit, count: JOBS }] });
    const jobs = await startJobs(name, JOBS);
    const outcomes = await Promise.all(jobs.map((job) => job.result({ maxWaitMs: 40_000 })));
    expect(outcomes.map(({ state }) => state)).toEqual(jobs.map(() => 'COMPLETED'));
    expect(sandbox.requests({ accepted: true })).toHaveLength(JOBS);
    expect(sandbox.requests().filter(({ faults }) => faults === 'reset')).toHaveLength(JOBS);
    const keys = new Set(headers);
    if (name === 'header') expect(keys.size).toBe(JOBS);
    if (name === 'quoted') expect([...keys].every((key) => /^"[0-9a-f]{64}"$/.test(String(key)))).toBe(true);
    if (name === 'search') expect(keys).toEqual(new Set([undefined]));
  });

  it('fails as AMBIGUOUS_SUBMIT, unrepeated, at a service that cannot be asked', async () => {
    const { sandbox } = get('nothing');
    sandbox.faults({ rules: [{ kind: 'reset', at: 'after', ...POST, count: 1 }] });
    const [job] = await startJobs('nothing', 1);
    const outcome = await job?.result({ maxWaitMs: 40_000 });
    expect(outcome).toMatchObject({ state: 'FAILED', externalId: null, error: { code: 'AMBIGUOUS_SUBMIT' } });
    expect(sandbox.requests({ accepted: true })).toHaveLength(1);
    expect(sandbox.requests({ method: 'POST' }).filter(({ path }) => path === POST.path)).toHaveLength(1);
  });

  it('is repeated at such a service where it was refused for certain', async () => {
    const { sandbox } = get('nothing');
    const before = sandbox.requests({ accepted: true }).length;
    sandbox.faults({ rules: [{ kind: 'error', ...POST, status: 429, retryAfterS: 1, count: 1 }] });
    const [job] = await startJobs('nothing', 1);
    expect(await job?.result({ maxWaitMs: 40_000 })).toMatchObject({ state: 'COMPLETED' });
    expect(sandbox.requests({ accepted: true })).toHaveLength(before + 1);
  });
});
