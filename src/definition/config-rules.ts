import { PlaybookError } from '../contracts/errors.ts';
import type { ConfigProblem } from './config-problems.ts';
import type { SecretRef, ServiceConfig } from './config-types.ts';
import type { Integration } from './integration.ts';
import { showPath } from './issue-text.ts';
import { isSecretRef } from './secret-ref.ts';

/**
 * Most requests per second one process sends to a service. Batches reach some 550 where everything shares two processors, at 1 ms of
 * the worker's for each (bench/RESULTS-batch.md); single jobs 250, at 3.9 ms (bench/RESULTS-gate.md). One process sends
 * everything, so a higher cap would never be reached.
 */
export const MOST_PER_SECOND = 1_000;

/** What the schema cannot say: keys that must fit each other. */
export function configRules(config: ServiceConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const { timeouts } = config.service;
  if (timeouts.total_ms < timeouts.read_ms) {
    problems.push({
      path: ['service', 'timeouts', 'total_ms'],
      message: `must not be below read_ms (got ${timeouts.total_ms}, read_ms is ${timeouts.read_ms})`,
    });
  }
  const { qps_cap, window_ms } = config.service.rate_limit;
  const perSecond = (qps_cap * 1000) / window_ms;
  if (perSecond > MOST_PER_SECOND) {
    problems.push({
      path: ['service', 'rate_limit', 'qps_cap'],
      message: `allows ${Math.round(perSecond)} requests per second, more than the ${MOST_PER_SECOND} one process sends; all requests to a service pass through one (docs/gate.md). Lower it`,
    });
  }
  if (config.polling.max_ms < config.polling.initial_ms) {
    problems.push({
      path: ['polling', 'max_ms'],
      message: `must not be below initial_ms (got ${config.polling.max_ms}, initial_ms is ${config.polling.initial_ms})`,
    });
  }
  if (config.environment !== 'sandbox') {
    for (const { path, ref } of secretRefs(config)) {
      if (/sandbox/i.test(ref)) {
        problems.push({ path, message: `refers to a sandbox secret (${ref}) in environment ${config.environment}` });
      }
    }
  }
  return problems;
}

/** Every reference to a secret in a configuration, with its path. */
export function secretRefs(config: ServiceConfig): { readonly path: (string | number)[]; readonly ref: SecretRef }[] {
  const fields: [(string | number)[], unknown][] = Object.entries(config.auth).map(([name, value]) => [
    ['auth', name],
    value,
  ]);
  if (config.webhook !== undefined) {
    fields.push([['webhook', 'token_secret'], config.webhook.token_secret]);
    for (const [index, ref] of config.webhook.secrets.entries()) fields.push([['webhook', 'secrets', index], ref]);
  }
  if (config.notifications !== undefined) fields.push([['notifications', 'secret'], config.notifications.secret]);
  return fields.flatMap(([path, value]) =>
    typeof value === 'string' && isSecretRef(value) ? [{ path, ref: value }] : [],
  );
}

/**
 * Checks that a configuration fits its integration.
 * @throws PlaybookError CONFIG_INVALID listing every problem.
 */
export function checkConfig(integration: Integration, config: ServiceConfig): void {
  const problems: string[] = [];
  const { idempotency } = integration.submit;
  if (idempotency.kind !== 'none' && idempotency.lifetimeMs < config.deadline_ms) {
    problems.push(
      `deadline_ms (${config.deadline_ms}) is longer than the service remembers an idempotency key (${idempotency.lifetimeMs} ms): a late retry could run the job twice; lower deadline_ms`,
    );
  }
  if (config.webhook !== undefined && integration.webhook === undefined) {
    problems.push('webhook is configured, but the integration defines none; remove the section');
  }
  if (problems.length > 0) {
    throw new PlaybookError(
      'CONFIG_INVALID',
      `The configuration of ${integration.service} does not fit its definition:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    );
  }
}

/**
 * Checks that a fallback is another system, with secrets of its own, and the last one.
 * @throws PlaybookError CONFIG_INVALID
 */
export function checkFallback(config: ServiceConfig, fallback: ServiceConfig): void {
  const problems = [
    ...(fallback.fallback === undefined ? [] : ['has a fallback itself; there is only one step']),
    ...(fallback.service.base_url === config.service.base_url
      ? ['has the same service.base_url: two gates would each keep to the limit of one service']
      : []),
  ];
  if (problems.length > 0) {
    throw new PlaybookError('CONFIG_INVALID', `The fallback (${config.fallback}) ${problems.join(', and ')}.`);
  }
  checkEnvironments([config, fallback]);
}

/**
 * Checks that no two environments share a secret: a leaked sandbox credential must not open production.
 * @throws PlaybookError CONFIG_INVALID naming the references and where they stand.
 */
export function checkEnvironments(configs: readonly ServiceConfig[]): void {
  const owners = new Map<string, { readonly environment: string; readonly path: string }>();
  const problems: string[] = [];
  for (const { environment, refs } of configs.map((config) => ({
    environment: config.environment,
    refs: secretRefs(config),
  }))) {
    for (const { path, ref } of refs) {
      const owner = owners.get(ref);
      if (owner === undefined) owners.set(ref, { environment, path: showPath(path) });
      else if (owner.environment !== environment) {
        problems.push(`${environment} ${showPath(path)} uses ${ref}, which is ${owner.environment} ${owner.path}`);
      }
    }
  }
  if (problems.length > 0) {
    throw new PlaybookError(
      'CONFIG_INVALID',
      `Environments must not share secrets:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    );
  }
}
