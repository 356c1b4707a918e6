import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseDocument } from 'yaml';
import { openInputFile } from '../../activities/index.ts';
import { checkSecrets, createSecrets, loadConfig, parseConfig } from '../../definition/index.ts';
import type { Secrets, ServiceConfig } from '../../definition/index.ts';
import { systemClock } from '../../http/clock.ts';
import type { RecordedExchange } from '../../http/service-client.ts';
import type { Asked } from '../../probe/index.ts';
import { sandboxAccess, startSandbox } from '../../sandbox/index.ts';
import { fileSample, loadSubject } from '../../testing/index.ts';
import type { Subject } from '../../testing/index.ts';
import type { CliIo } from '../io.ts';
import type { Closing } from './closing.ts';
import type { Logging } from './logging.ts';
import { definitionIn } from './project.ts';
import type { Project } from './project.ts';
import { isLocalSandbox, withSandboxDefaults } from './service-configs.ts';

/** A service with the environment it is going to be asked in; nothing has been sent. */
export interface ProbeTarget {
  readonly subject: Subject;
  readonly config: ServiceConfig;
  /** Where nothing can go wrong and nothing costs. */
  readonly isSandbox: boolean;
  /** Makes it ready to be asked. `closing` gets what has to be closed. */
  readonly open: () => Promise<Asked>;
}

/** Nobody reads a callback of a probe's jobs, so no token is ever issued. */
const NO_CALLBACKS = 'no-callbacks-here';

/**
 * The environment of `--config` or of the integration's `config.yaml`; else its sandbox, started here.
 * @throws PlaybookError CONFIG_INVALID, SECRET_UNAVAILABLE, UNKNOWN_SERVICE
 */
export async function probeTarget(
  service: string,
  deps: {
    readonly io: CliIo;
    readonly logging: Logging;
    readonly project: Project;
    readonly configPath: string | undefined;
    readonly closing: Closing;
  },
): Promise<ProbeTarget> {
  const { io, project, closing } = deps;
  await definitionIn(project, service); // says when the build is older than the sources
  const subject = await loadSubject(service, { documents: project.integrations, code: project.code });
  const own = join(project.integrations, service, 'config.yaml');
  const file = deps.configPath === undefined ? own : resolve(io.cwd, deps.configPath);
  const { learn: onResolved } = deps.logging.redactor;
  if (deps.configPath === undefined && !existsSync(own)) {
    const { config, env } = await ownSandbox(subject, closing);
    const secrets = createSecrets({ env, onResolved });
    return { subject, config, isSandbox: true, open: () => ready(subject, config, secrets, deps) };
  }
  const config = await loadConfig(file, { service });
  const secrets = createSecrets({ env: withSandboxDefaults(config, io.env, NO_CALLBACKS), onResolved });
  await checkSecrets(config, secrets);
  return { subject, config, isSandbox: isLocalSandbox(config), open: () => ready(subject, config, secrets, deps) };
}

/** The example configuration, pointed at a sandbox of this process. */
async function ownSandbox(
  { integration: { service }, sandbox: options, exampleConfig }: Subject,
  closing: Closing,
): Promise<{ readonly config: ServiceConfig; readonly env: Readonly<Record<string, string>> }> {
  const sandbox = await startSandbox({ ...options, port: 0 });
  closing.add(() => sandbox.close());
  const access = sandboxAccess(options, sandbox.url);
  const document = parseDocument(exampleConfig);
  document.set('environment', 'sandbox');
  document.setIn(['service', 'base_url'], sandbox.url);
  document.set('auth', access.auth);
  for (const key of ['webhook', 'fallback', 'notifications']) document.delete(key);
  const config = parseConfig(document.toString(), { service, source: 'config.example.yaml' });
  return { config, env: access.secrets };
}

async function ready(
  { integration, samples }: Subject,
  config: ServiceConfig,
  secrets: Secrets,
  { io, logging, closing }: { readonly io: CliIo; readonly logging: Logging; readonly closing: Closing },
): Promise<Asked> {
  const exchanges: RecordedExchange[] = [];
  const { createServiceRuntime } = await import('../../workers/index.ts');
  const { callbackUrl: _, ...runtime } = createServiceRuntime(
    { integration, config },
    { secrets, logger: logging.logger, recorder: (exchange) => void exchanges.push(exchange) },
  );
  closing.add(() => runtime.close());
  // No worker paces here: each probe bounds what it sends.
  runtime.seat.take({ acquire: async () => ({}), leastPollMs: () => 0, isDown: () => false, passesAtOnce: () => true });
  const folder = await mkdtemp(join(tmpdir(), 'playbook-probe-'));
  closing.add(() => rm(folder, { recursive: true, force: true }));
  const { failing } = samples;
  return {
    runtime,
    inputOf: (nth) => fileSample(integration, samples.valid(nth), folder),
    ...(failing === undefined ? {} : { failingInput: () => fileSample(integration, failing, folder) }),
    openInputFile,
    exchanges,
    clock: systemClock,
    pause: (ms) => sleep(ms, undefined, { signal: io.interrupt }),
    signal: io.interrupt,
    prefix: `probe-${Date.now().toString(36)}`,
  };
}
