import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import type { WorkflowBundleOption } from '@temporalio/worker';
import pino from 'pino';
import type { Logger } from 'pino';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import { CONTENT_TYPES } from '../../integrations/docproc/src/constants.ts';
import type { ExtractionInput } from '../../integrations/docproc/src/models.ts';
import { createPlaybookClient } from '../../src/client/index.ts';
import type { PlaybookClient } from '../../src/client/index.ts';
import { createSecrets, parseConfig } from '../../src/definition/index.ts';
import type { Integration, ServiceConfig } from '../../src/definition/index.ts';
import { defaultClient, defaultWebhookSecret, startSandbox } from '../../src/sandbox/index.ts';
import type { Sandbox, SandboxOptions } from '../../src/sandbox/index.ts';
import { createTemporalHandOver, startReceiver } from '../../src/webhooks/index.ts';
import { createServiceRuntime } from '../../src/workers/index.ts';
import { enable } from './enable.ts';
import { runJobWorker, terminateAll } from './job-worker.ts';
import { connectToServer, testNamespace } from './temporal.ts';

/** Everything between a caller and docproc's sandbox, for real: Temporal, worker, receiver, sandbox. */
export interface Stack {
  readonly temporal: Client;
  readonly playbook: PlaybookClient;
  readonly sandbox: Sandbox;
  readonly config: ServiceConfig;
  /** The configuration's text and the environment its secrets come from: for a worker in a process of its own. */
  readonly yaml: string;
  readonly env: Readonly<Record<string, string>>;
  readonly namespace: string;
  /** Writes a file and refers to it. */
  readonly document: (name: string, content: string | Uint8Array) => Promise<ExtractionInput>;
  readonly close: () => Promise<void>;
}

export interface StackOptions {
  readonly sandbox?: SandboxOptions;
  /** YAML sections that replace those of {@link configYaml}; given the sandbox's URL where they need it. */
  readonly config?: string | ((sandboxUrl: string) => string);
  /** Without it, webhooks reach nobody. @default true */
  readonly receiver?: boolean;
  /** Without it, jobs wait until a worker of the test's own comes. @default true */
  readonly worker?: boolean;
  /** @default docproc's */
  readonly integration?: Integration;
  /** What secret references find, beside and before the sandbox's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Told every secret that is resolved. */
  readonly onResolved?: (secret: string) => void;
  /** Of worker and receiver. @default silent */
  readonly logger?: Logger;
  /** Encrypts what Temporal stores; the bundle must have the same failure converter. */
  readonly encryption?: { readonly dataConverter: DataConverter; readonly workflowBundle: WorkflowBundleOption };
}

const TOKEN_SECRET = 'callback-token-secret-of-the-tests';

/** A configuration that suits tests: quick, and pointing at `sandboxUrl`. `sections` replace top-level sections. */
function configYaml(sandboxUrl: string, receiverUrl: string, sections = ''): string {
  const defaults: Readonly<Record<string, string>> = {
    service: `service:
  base_url: ${sandboxUrl}
  version: v3
  timeouts: { connect_ms: 1000, read_ms: 4000, total_ms: 10000 }
  retry: { max_attempts: 3, backoff_ms: '50,100,200' }
  rate_limit: { qps_cap: 200 }`,
    auth: `auth:
  type: oauth_client_credentials
  token_url: ${sandboxUrl}/oauth/token
  scopes: [jobs.write, jobs.read]
  client_id: ${defaultClient.id}
  client_secret: env:DOCPROC_CLIENT_SECRET`,
    webhook: `webhook:
  public_url: ${receiverUrl}
  secrets: ['env:DOCPROC_WEBHOOK_SECRET']
  token_secret: env:DOCPROC_CALLBACK_SECRET`,
    polling: 'polling: { grace_ms: 1000, initial_ms: 100, factor: 1.5, max_ms: 1000 }',
  };
  const own = new Set([...sections.matchAll(/^([a-z_]+):/gm)].map(([, name]) => name));
  const kept = Object.entries(defaults).flatMap(([name, yaml]) => (own.has(name) ? [] : [yaml]));
  return ['environment: sandbox', ...kept, sections].join('\n');
}

/** Starts the stack; `close` stops all of it and ends the jobs that are left. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { logger = pino({ level: 'silent' }), onResolved, encryption, integration = docproc } = options;
  const env = {
    DOCPROC_CLIENT_SECRET: defaultClient.secret,
    DOCPROC_WEBHOOK_SECRET: defaultWebhookSecret,
    DOCPROC_CALLBACK_SECRET: TOKEN_SECRET,
    ...options.env,
  };
  const secrets = createSecrets({ env, ...(onResolved === undefined ? {} : { onResolved }) });
  const namespace = testNamespace();
  const server = await connectToServer(undefined, namespace);
  const client =
    encryption === undefined
      ? server.client
      : new Client({ connection: server.client.connection, namespace, dataConverter: encryption.dataConverter });
  const sandbox = await startSandbox({
    limit: { rate: 1000 },
    processing: { minMs: 20, maxMs: 60 },
    ...options.sandbox,
  });
  const receiver =
    options.receiver === false
      ? undefined
      : await startReceiver({
          port: 0,
          logger,
          handOver: createTemporalHandOver({ client, logger }),
          services: new Map([
            [
              integration.service,
              {
                integration,
                toleranceMs: 300_000,
                secrets: async () => [await secrets.resolve('env:DOCPROC_WEBHOOK_SECRET')],
                tokenSecrets: async () => [await secrets.resolve('env:DOCPROC_CALLBACK_SECRET')],
              },
            ],
          ]),
        });
  const sections = typeof options.config === 'function' ? options.config(sandbox.url) : options.config;
  const yaml = configYaml(sandbox.url, receiver?.url ?? 'http://127.0.0.1:9', sections);
  const config = parseConfig(yaml, { service: integration.service });
  const runtime = createServiceRuntime({ integration, config }, { secrets, logger });
  const stopWorker =
    options.worker === false
      ? async () => undefined
      : await runJobWorker(server.nativeConnection, namespace, [runtime], { logger, ...encryption });
  if (options.worker !== false) await enable(client, [integration.service]);
  const folder = await mkdtemp(join(tmpdir(), 'playbook-stack-'));
  return {
    temporal: client,
    playbook: createPlaybookClient(client),
    sandbox,
    config,
    yaml,
    env,
    namespace,
    document: async (name, content) => {
      const path = join(folder, name);
      await writeFile(path, content);
      const bytes = Buffer.from(content);
      return docproc.input.parse({
        document: {
          uri: pathToFileURL(path).href,
          sha256: createHash('sha256').update(bytes).digest('hex'),
          bytes: bytes.length,
          contentType: CONTENT_TYPES[extname(name)] ?? 'application/octet-stream',
        },
        options: { format: 'text' },
      });
    },
    close: async () => {
      await terminateAll(client);
      await stopWorker();
      await Promise.all([receiver?.close(), runtime.close()]);
      await sandbox.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
