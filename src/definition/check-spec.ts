import { isErrorCode } from '../contracts/errors.ts';
import { SERVICE_PATTERN } from '../contracts/ids.ts';
import type { HmacScheme, WebhookScheme } from '../contracts/webhook-scheme.ts';
import type { Integration } from './integration.ts';

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
/** Becomes part of file names (`job-response-v3.4.2.json`), which write the `v` themselves. */
const VERSION = /^\d[0-9A-Za-z.-]*$/;
const OBSERVED = ['PROCESSING', 'COMPLETED', 'FAILED', 'CANCELED'];

/** Everything that is wrong with a definition and that its types cannot say, each as `path: what to do`. */
export function specProblems(spec: Integration): string[] {
  const problems: string[] = [];
  const check = (fine: boolean, problem: string): void => {
    if (!fine) problems.push(problem);
  };
  check(
    SERVICE_PATTERN.test(spec.service),
    `service: must be 3 to 40 of a-z, 0-9 and -, beginning with a letter (got ${JSON.stringify(spec.service)})`,
  );
  check(spec.title.trim() !== '', 'title: must not be empty');
  check(
    VERSION.test(spec.contractVersion),
    `contractVersion: must be the service's own version without a "v", such as 3.4.2 (got ${JSON.stringify(spec.contractVersion)})`,
  );
  checkStates(spec, check);
  checkIdempotency(spec, check);
  checkErrorRules(spec, check);
  checkCost(spec, check);
  if (spec.lookup !== undefined) {
    check(
      isDuration(spec.lookup.settleMs),
      `lookup.settleMs: must be milliseconds of 0 or more (got ${spec.lookup.settleMs})`,
    );
  }
  if (spec.webhook !== undefined) {
    check(
      spec.webhook.retryHorizonMs > 0 && Number.isFinite(spec.webhook.retryHorizonMs),
      `webhook.retryHorizonMs: must be milliseconds above 0 (got ${spec.webhook.retryHorizonMs})`,
    );
    checkScheme(spec.webhook.scheme, check);
  }
  return problems;
}

type Check = (fine: boolean, problem: string) => void;

function isDuration(ms: number): boolean {
  return Number.isFinite(ms) && ms >= 0;
}

function checkStates(spec: Integration, check: Check): void {
  const states = Object.entries(spec.states);
  check(
    states.some(([, state]) => state === 'COMPLETED'),
    'states: no word of the service maps to COMPLETED, so that no job could ever succeed',
  );
  for (const [word, state] of states) {
    check(
      OBSERVED.includes(state),
      `states.${word}: must be one of ${OBSERVED.join(', ')} (got ${JSON.stringify(state)})`,
    );
  }
}

function checkIdempotency(spec: Integration, check: Check): void {
  const { idempotency } = spec.submit;
  if (idempotency.kind === 'none') return;
  check(
    idempotency.lifetimeMs > 0,
    `submit.idempotency.lifetimeMs: must say how many milliseconds the service remembers a key (got ${idempotency.lifetimeMs})`,
  );
  if (idempotency.kind === 'header') {
    check(
      HEADER_NAME.test(idempotency.name),
      `submit.idempotency.name: must be a header name (got ${JSON.stringify(idempotency.name)})`,
    );
  }
}

function checkErrorRules(spec: Integration, check: Check): void {
  for (const [index, rule] of (spec.errors ?? []).entries()) {
    check(
      rule.status !== undefined || rule.serviceCode !== undefined,
      `errors[${index}]: needs a status or a serviceCode, or it would fit every error`,
    );
    check(isErrorCode(rule.code), `errors[${index}].code: is not in the registry (got ${JSON.stringify(rule.code)})`);
  }
}

function checkCost(spec: Integration, check: Check): void {
  for (const name of ['perJobMicros', 'perRequestMicros'] as const) {
    const micros = spec.cost[name] ?? 0;
    check(
      Number.isSafeInteger(micros) && micros >= 0,
      `cost.${name}: must be whole micro-dollars, 0 or more (got ${micros})`,
    );
  }
}

function checkScheme(scheme: WebhookScheme, check: Check): void {
  if (scheme.kind !== 'hmac') return;
  const placeholders: readonly string[] = scheme.template.match(/\{[^}]*\}/g) ?? [];
  for (const placeholder of placeholders) {
    check(
      ['{id}', '{timestamp}', '{body}'].includes(placeholder),
      `webhook.scheme.template: knows {id}, {timestamp} and {body} (got ${placeholder})`,
    );
  }
  check(
    scheme.template.endsWith('{body}') && scheme.template.indexOf('{body}') === scheme.template.lastIndexOf('{body}'),
    'webhook.scheme.template: must end with {body} and contain it once, so that nothing unsigned can follow',
  );
  check(
    !placeholders.includes('{timestamp}') || scheme.timestampHeader !== undefined,
    'webhook.scheme.timestampHeader: needed, because the template signs {timestamp}',
  );
  check(
    !placeholders.includes('{id}') || scheme.idHeader !== undefined,
    'webhook.scheme.idHeader: needed, because the template signs {id}',
  );
  for (const name of ['signatureHeader', 'timestampHeader', 'idHeader'] as const satisfies (keyof HmacScheme)[]) {
    const header = scheme[name];
    check(
      header === undefined || HEADER_NAME.test(header),
      `webhook.scheme.${name}: must be a header name (got ${JSON.stringify(header)})`,
    );
  }
}
