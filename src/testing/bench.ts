import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import pino from 'pino';
import { changeControl, createPlaybookClient } from '../client/index.ts';
import type { JobAnswer, JobHandle, PlaybookClient } from '../client/index.ts';
import type { JobOutcome } from '../contracts/index.ts';
import { createSecrets, parseConfig, UnknownFieldTally } from '../definition/index.ts';
import type { Integration, Sample, ServiceConfig } from '../definition/index.ts';
import { sandboxAccess, startSandbox } from '../sandbox/index.ts';
import type { Sandbox, SandboxOptions } from '../sandbox/index.ts';
import { createTemporalHandOver, startReceiver } from '../webhooks/index.ts';
import { createJobWorker, createServiceRuntime } from '../workers/index.ts';
import type { JobWorkerOptions, OwnedRuntime } from '../workers/index.ts';
import type { ServiceClient } from '../http/types.ts';
import { createCoverage } from './coverage.ts';
import type { Coverage } from './coverage.ts';
import { startDeliveryLog } from './delivery-log.ts';
import type { DeliveryLog } from './delivery-log.ts';
import { fileSample } from './file-sample.ts';
import { sandboxConfig, TOKEN_SECRET, WEBHOOK_SECRET } from './sandbox-config.ts';
import type { Variant } from './sandbox-config.ts';
import type { Subject } from './subject.ts';

/** The Temporal server a conformance run works on, and what its worker is made with. */
export interface TemporalHost {
  readonly client: Client;
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly workflowBundle: JobWorkerOptions['workflowBundle'];
  readonly augment?: JobWorkerOptions['augment'];
}

/** What a row that is safe against a real service may use. */
export interface JobBench {
  readonly subject: Subject;
  readonly playbook: PlaybookClient;
  /** Input of another valid job each time. */
  readonly nextInput: () => Promise<unknown>;
  readonly inputOf: (sample: Sample) => Promise<unknown>;
  /** Starts a job under a key of its own. */
  readonly start: (input: unknown, key?: string) => Promise<JobHandle<unknown>>;
  /** Waits for a job's end. @throws Error when it takes too long */
  readonly ended: (job: JobHandle<unknown>) => Promise<JobOutcome<unknown>>;
  /** A key nobody has used. */
  readonly newKey: () => string;
}

/** Everything between a caller and the sandbox, for real: worker, gate, receiver, sandbox, on one Temporal server. */
export interface Bench extends JobBench {
  readonly sandbox: Sandbox;
  readonly coverage: Coverage;
  readonly runtime: OwnedRuntime;
  /** Somebody else with the same credentials, who does not pass our gate. */
  readonly neighbour: ServiceClient;
  readonly deliveries: DeliveryLog;
  readonly receiverUrl: string;
  /** Fields that no schema knows, by endpoint and path. */
  readonly unknownFields: () => readonly string[];
  /** Runs something while jobs are admitted under another configuration. */
  readonly under: <Value>(variant: Variant, run: () => Promise<Value>) => Promise<Value>;
  /** Rewrites the submit of the job under a key. */
  readonly spoil: (key: string, change: (json: unknown) => unknown) => void;
  readonly close: () => Promise<void>;
}

const JOB_MS = 20_000;
/** Quick, and never in the way; rows that are about a limit set their own. */
const QUICK = {
  limit: { rate: 1_000 },
  processing: { minMs: 20, maxMs: 60 },
  webhookRetry: { delaysMs: [100, 300, 1_000, 1_000] },
} satisfies SandboxOptions;

/** What tries jobs, on any client; `prefix` begins their keys. */
export async function createJobBench(
  subject: Subject,
  integration: Integration,
  client: Client,
  prefix: string,
  jobMs: number = JOB_MS,
): Promise<JobBench & { readonly close: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'playbook-conformance-'));
  const playbook = createPlaybookClient(client);
  let count = 0;
  const inputOf = (sample: Sample): Promise<unknown> => fileSample(integration, sample, folder);
  const newKey = (): string => `${prefix}-${(count += 1)}`;
  return {
    subject,
    playbook,
    inputOf,
    newKey,
    nextInput: () => inputOf(subject.samples.valid((count += 1))),
    start: (input, key = newKey()) => playbook.start(integration, input, { key, unit: 'conformance' }),
    ended: async (job) => {
      const answer: JobAnswer<unknown> = await job.result({ maxWaitMs: jobMs });
      if (answer.state !== 'PENDING') return answer;
      const { activity } = await job.detail();
      throw new Error(`${job.workflowId} has not ended within ${jobMs / 1000} s; it says: ${activity}`);
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Starts the whole stack for a subject; `close` stops it. */
export async function startBench(subject: Subject, host: TemporalHost): Promise<Bench> {
  const logger = pino({ level: 'silent' });
  const coverage = createCoverage(subject.integration);
  const spoiled = new Map<string, (json: unknown) => unknown>();
  const integration = spoiling(coverage.integration, spoiled);
  const { service, webhook } = integration;

  const options = { ...subject.sandbox, ...QUICK };
  const sandbox = await startSandbox(options);
  const access = sandboxAccess(options, sandbox.url);
  const { webhookSecret = '' } = access;
  const tokenSecret = createHash('sha256').update(sandbox.url).digest('hex');
  const secrets = createSecrets({
    env: { ...access.secrets, [WEBHOOK_SECRET]: webhookSecret, [TOKEN_SECRET]: tokenSecret },
  });
  let receiverUrl = '';
  const deliveries = await startDeliveryLog(() => receiverUrl);
  const receiver = await startReceiver({
    port: 0,
    logger,
    handOver: createTemporalHandOver({ client: host.client, logger }),
    services: new Map(
      webhook === undefined
        ? []
        : [
            [
              service,
              {
                integration,
                toleranceMs: 300_000,
                secrets: async () => [webhookSecret],
                tokenSecrets: async () => [tokenSecret],
              },
            ],
          ],
    ),
  });
  receiverUrl = receiver.url;

  const configOf = (variant?: Variant): ServiceConfig => {
    const webhookUrl = webhook === undefined ? undefined : deliveries.url;
    return parseConfig(sandboxConfig(subject.exampleConfig, { url: sandbox.url, webhookUrl, access }, variant), {
      service,
    });
  };
  let config = configOf();
  const plain = createServiceRuntime({ integration, config }, { secrets, logger });
  const tally = new UnknownFieldTally(() => undefined);
  // Admission looks at the configuration anew for each job.
  const runtime: OwnedRuntime = {
    ...plain,
    client: coverage.watch(plain.client),
    onUnknown: tally.onUnknown,
    get config() {
      return config;
    },
  };
  const neighbour = createNeighbour({ integration, config }, { secrets, logger });
  const { client, connection, namespace, workflowBundle, augment } = host;
  const worker = await createJobWorker({
    connection,
    namespace,
    services: [runtime],
    logger,
    workflowBundle,
    shutdownGraceMs: 2_000,
    ...(augment === undefined ? {} : { augment }),
  });
  const running = worker.run();
  running.catch(() => undefined);
  await changeControl(client, service, 'enable', { actor: 'conformance kit', reason: 'to try it on its sandbox' });
  const jobs = await createJobBench(subject, integration, client, `conformance-${sandbox.port}-${Date.now()}`);

  return {
    ...jobs,
    ended: async (job) => {
      const outcome = await jobs.ended(job);
      coverage.ended(outcome);
      return outcome;
    },
    sandbox,
    coverage,
    runtime,
    neighbour: neighbour.client,
    deliveries,
    receiverUrl,
    unknownFields: () => [...tally.counts().keys()],
    spoil: (key, change) => spoiled.set(key, change),
    under: async (variant, run) => {
      const before = config;
      config = configOf(variant);
      try {
        return await run();
      } finally {
        config = before;
      }
    },
    close: async () => {
      await endAll(client, service);
      worker.shutdown();
      await running;
      await Promise.all([receiver.close(), deliveries.close(), plain.close(), neighbour.close(), jobs.close()]);
      await sandbox.close();
    },
  };
}

/** A client of the same service whose gate is always open. */
function createNeighbour(...[configured, deps]: Parameters<typeof createServiceRuntime>): OwnedRuntime {
  const runtime = createServiceRuntime(configured, deps);
  runtime.seat.take({ acquire: async () => ({}), leastPollMs: () => 0, isDown: () => false, passesAtOnce: () => true });
  return runtime;
}

/** The same definition, which spoils the submits of some jobs. */
function spoiling(integration: Integration, spoiled: ReadonlyMap<string, (json: unknown) => unknown>): Integration {
  const { submit } = integration;
  const request: typeof submit.request = (context) => {
    const plain = submit.request(context);
    const change = spoiled.get(context.reference.replace(/~\d+$/, ''));
    return change === undefined ? plain : ({ ...plain, json: change(plain.json) } as typeof plain);
  };
  return { ...integration, submit: { ...submit, request } };
}

/** Ends what is left of the service's workflows, so that the next run starts afresh. */
async function endAll(client: Client, service: string): Promise<void> {
  for await (const { workflowId } of client.workflow.list({ query: `ExecutionStatus = 'Running'` })) {
    const isOurs = [`${service}/`, `integration/${service}`, `gate/${service}`, `webhook/${service}/`].some((start) =>
      workflowId.startsWith(start),
    );
    if (isOurs)
      await client.workflow
        .getHandle(workflowId)
        .terminate('the conformance run is over')
        .catch(() => undefined);
  }
}
