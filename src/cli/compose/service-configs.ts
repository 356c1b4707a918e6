import { readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import {
  checkFallback,
  checkSecrets,
  createSecrets,
  loadConfig,
  loadIntegration,
  listIntegrations,
  parseConfig,
} from '../../definition/index.ts';
import type { Integration, Secrets, ServiceConfig } from '../../definition/index.ts';
import { defaultClient, defaultWebhookSecret, sandboxAccess } from '../../sandbox/index.ts';
import { badUsage } from '../args/bad-usage.ts';
import { INTEGRATIONS_CODE, INTEGRATIONS_FOLDER } from '../package-folders.ts';
import { sandboxOptionsOf } from './sandbox-options.ts';

/** A service ready to be put together. */
export interface ConfiguredService {
  readonly integration: Integration;
  readonly config: ServiceConfig;
  readonly secrets: Secrets;
  /** Where jobs go that are not admitted, if the environment opted into that. */
  readonly fallback?: ConfiguredService;
}

/** Services together with their fallbacks. */
export function withFallbacks(services: Iterable<ConfiguredService>): readonly ConfiguredService[] {
  return [...services].flatMap((service) => (service.fallback === undefined ? [service] : [service, service.fallback]));
}

/** Paths of configuration files, by service. */
export type ConfigPaths = ReadonlyMap<string, string>;

/** Names of all integrations there are. */
export function knownServices(): Promise<readonly string[]> {
  return listIntegrations(INTEGRATIONS_CODE);
}

/** @throws PlaybookError UNKNOWN_SERVICE naming the nearest */
export function integrationOf(service: string): Promise<Integration> {
  return loadIntegration(INTEGRATIONS_CODE, service);
}

/**
 * Reads the values of `--config`: `path`, where it is clear which service it is for, or `service=path`.
 * @throws PlaybookError BAD_USAGE
 */
export function configPaths(
  values: readonly string[],
  services: readonly string[],
  cwd: string,
  command: readonly string[],
): ConfigPaths {
  const paths = new Map<string, string>();
  for (const value of values) {
    const equals = value.indexOf('=');
    const named = equals > 0 && services.includes(value.slice(0, equals)) ? value.slice(0, equals) : undefined;
    const service = named ?? (services.length === 1 ? services[0] : undefined);
    if (service === undefined) {
      throw badUsage(
        `Say which service --config ${value} is for: --config <service>=<path>, one of ${services.join(', ')}.`,
        command,
      );
    }
    if (paths.has(service)) throw badUsage(`--config is given twice for ${service}.`, command);
    paths.set(service, resolve(cwd, named === undefined ? value : value.slice(equals + 1)));
  }
  return paths;
}

/** Reads a `--config` of one service, which may be left out. @throws PlaybookError BAD_USAGE */
export function configPathOf(
  value: string | undefined,
  service: string,
  cwd: string,
  command: readonly string[],
): ConfigPaths {
  return configPaths(value === undefined ? [] : [value], [service], cwd, command);
}

/** The configuration file that counts: the one named, else the integration's own `config.yaml` where there is one. */
export function configFile(service: string, paths: ConfigPaths): string | undefined {
  const own = join(INTEGRATIONS_FOLDER, service, 'config.yaml');
  return paths.get(service) ?? (existsSync(own) ? own : undefined);
}

/** The environment's variables, which secrets refer to. */
export type Env = Readonly<Record<string, string | undefined>>;

/**
 * A service as its configuration file says, with its fallback.
 * @param path as {@link configFile} found it
 * @throws PlaybookError CONFIG_INVALID; SECRET_UNAVAILABLE naming all secrets that are missing
 */
export async function fromFile(
  service: string,
  path: string,
  envOf: (config: ServiceConfig) => Env,
  onResolved: (value: string) => void,
): Promise<ConfiguredService> {
  const integration = await integrationOf(service);
  const load = async (file: string): Promise<ConfiguredService> => {
    const config = await loadConfig(file, { service });
    return { integration, config, secrets: createSecrets({ env: envOf(config), onResolved }) };
  };
  const live = await load(path);
  await checkSecrets(live.config, live.secrets);
  if (live.config.fallback === undefined) return live;
  const fallback = await load(resolve(dirname(path), live.config.fallback));
  checkFallback(live.config, fallback.config);
  await checkSecrets(fallback.config, fallback.secrets);
  return { ...live, fallback };
}

/**
 * The environment for a configuration that names a service on this very machine: what it does not set has the sandbox's
 * published defaults and this home's callback secret, so that a configuration for the sandbox needs no secrets of its own.
 */
export function withSandboxDefaults(config: ServiceConfig, env: Env, callbackSecret: string): Env {
  if (!isLocalSandbox(config)) return env;
  const values: readonly (readonly [string | undefined, string])[] = [
    ...Object.entries(config.auth).map(
      ([name, ref]: readonly [string, unknown]) =>
        [
          typeof ref === 'string' ? ref : undefined,
          name === 'client_id' || name === 'username' ? defaultClient.id : defaultClient.secret,
        ] as const,
    ),
    ...(config.webhook?.secrets ?? []).map((ref) => [ref, defaultWebhookSecret] as const),
    [config.webhook?.token_secret, callbackSecret],
  ];
  const defaults = values.flatMap(([ref, value]) => (ref?.startsWith('env:') === true ? [[ref.slice(4), value]] : []));
  const set = Object.entries(env).filter(([, value]) => value !== undefined);
  return { ...(Object.fromEntries(defaults) as Env), ...Object.fromEntries(set) };
}

/** True for a stand-in on this very machine, with which nothing can go wrong. */
export function isLocalSandbox({ environment, service }: ServiceConfig): boolean {
  return environment === 'sandbox' && isLoopback(service.base_url);
}

/** The port of a URL on this machine. */
export function loopbackPort(url: string | undefined): number | undefined {
  return url !== undefined && isLoopback(url) ? Number(new URL(url).port || 80) : undefined;
}

function isLoopback(url: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}

/** What the embedded parts are to a generated configuration. */
export interface EmbeddedSite {
  /** Of the service's own sandbox. */
  readonly sandboxUrl: string;
  readonly receiverUrl: string;
  /** File with the secret of this home's callback tokens. */
  readonly callbackSecretFile: string;
}

const WEBHOOK_SECRET = 'PLAYBOOK_SANDBOX_WEBHOOK_SECRET';

/** A service whose counterpart is the embedded sandbox: its example configuration, pointed there. */
export async function forSandbox(
  service: string,
  site: EmbeddedSite,
  onResolved: (value: string) => void,
): Promise<ConfiguredService> {
  const integration = await integrationOf(service);
  const source = join(INTEGRATIONS_FOLDER, service, 'config.example.yaml');
  const document = parseDocument(await readFile(source, 'utf8'));
  document.set('environment', 'sandbox');
  document.setIn(['service', 'base_url'], site.sandboxUrl);
  const access = sandboxAccess(await sandboxOptionsOf(service), site.sandboxUrl);
  document.set('auth', access.auth);
  // An example without webhooks means polling, whatever the service could send.
  if (integration.webhook !== undefined && document.has('webhook')) {
    document.set('webhook', {
      public_url: site.receiverUrl,
      secrets: [`env:${WEBHOOK_SECRET}`],
      token_secret: `file:${site.callbackSecretFile}`,
    });
  }
  const config = parseConfig(document.toString(), { service, source });
  const env = { ...access.secrets, [WEBHOOK_SECRET]: access.webhookSecret };
  return { integration, config, secrets: createSecrets({ env, onResolved }) };
}
