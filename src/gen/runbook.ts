import { ERRORS } from '../contracts/errors.ts';
import type { ErrorCode } from '../contracts/errors.ts';
import type { ErrorRule } from '../definition/index.ts';
import { alertsOf } from './alerts.ts';
import { inFolder } from './generator.ts';
import type { Generator, GeneratorInput } from './generator.ts';
import { incidents } from './incidents.ts';
import { markdownTable } from './markdown.ts';
import { sayMs } from './say.ts';

/** The RUNBOOK's tables (alerts, the service's own errors, every code a job of it may show) and the entries all services share. */
export const runbook: Generator = {
  name: 'runbook',
  summary: 'RUNBOOK.md: alerts, incidents, errors with their fixes',
  generate: (input) => {
    const path = inFolder(input.integration.service, 'RUNBOOK.md');
    return [
      { kind: 'part', path, part: 'alerts', text: alerts(input) },
      { kind: 'part', path, part: 'incidents', text: incidents(input) },
      { kind: 'part', path, part: 'errors', text: errors(input) },
    ];
  },
};

function alerts(input: GeneratorInput): string {
  const rows = alertsOf(input).map(({ name, severity, condition, forMs, action }) => [
    name,
    severity,
    forMs === 0 ? condition : `${condition}, for ${sayMs(forMs)}`,
    action,
  ]);
  return markdownTable(['alert', 'severity', 'when', 'what to do'], rows);
}

function errors(input: GeneratorInput): string {
  const { service, errors: rules = [] } = input.integration;
  const own = rules.map((rule) => [
    `${service}: ${answerOf(rule)}`,
    ruleMeaning(rule),
    rule.retryable ? 'Nothing: the job goes on by itself.' : ERRORS[rule.code].action,
  ]);
  const codes = codesOf(input).map((code) => [
    `\`${code}\``,
    `${ERRORS[code].meaning}${ERRORS[code].retryable ? ' Repeated by itself.' : ''}`,
    ERRORS[code].action.replaceAll('<service>', service),
  ]);
  return markdownTable(['error', 'meaning', 'fix'], [...own, ...codes]);
}

function answerOf({ status, serviceCode }: ErrorRule): string {
  const parts = [status, serviceCode].flatMap((part) => (part === undefined ? [] : [[part].flat().join(' or ')]));
  return parts.join(' ') || 'any answer';
}

function ruleMeaning({ code, retryable, throttled, conflict }: ErrorRule): string {
  const then = retryable ? (throttled === true ? 'waits, uses up no attempt' : 'repeated by itself') : 'final';
  return `\`${code}\`${conflict === undefined ? '' : ` (${conflict})`}: ${then}`;
}

/** The codes that a job, or a webhook about one, can show with this definition and configuration, in the registry's order. */
function codesOf({ integration, config }: GeneratorInput): readonly ErrorCode[] {
  const { upload, webhook, submit, lookup, errors: rules = [] } = integration;
  const possible: readonly (readonly [boolean, readonly ErrorCode[]])[] = [
    [true, ['INVALID_INPUT', 'VALIDATION', 'NOT_FOUND', 'CONFLICT', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE']],
    [true, ['THROTTLED', 'SERVICE_UNAVAILABLE', 'SERVICE_TIMEOUT', 'RETRIES_EXHAUSTED', 'SECRET_UNAVAILABLE']],
    [true, ['CONTRACT_VIOLATION', 'RESPONSE_TOO_LARGE', 'UNKNOWN_STATUS', 'REMOTE_FAILED', 'REMOTE_CANCELED']],
    [true, ['DEADLINE_EXCEEDED', 'CANCELED', 'TERMINATED', 'INTEGRATION_DISABLED', 'INTERNAL']],
    [true, ['IDEMPOTENCY_KEY_REUSED']],
    [config.auth.type !== 'none', ['AUTH_FAILED', 'SCOPE_MISSING']],
    [upload !== undefined, ['FILE_NOT_FOUND', 'FILE_CHANGED']],
    [submit.idempotency.kind === 'none' || lookup === undefined, ['AMBIGUOUS_SUBMIT']],
    [webhook !== undefined, ['WEBHOOK_SIGNATURE_INVALID', 'WEBHOOK_MALFORMED', 'WEBHOOK_UNDELIVERABLE']],
    [true, rules.map(({ code }) => code)],
  ];
  const shown = new Set(possible.flatMap(([is, codes]) => (is ? codes : [])));
  return (Object.keys(ERRORS) as ErrorCode[]).filter((code) => shown.has(code));
}
