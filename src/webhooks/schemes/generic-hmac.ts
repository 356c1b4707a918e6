import { PlaybookError } from '../../contracts/errors.ts';
import type { HmacScheme } from '../../contracts/webhook-scheme.ts';
import { isEventId, readHeader } from './headers.ts';
import { hmac, hmacMatches } from './hmac.ts';
import type { HmacForm } from './hmac.ts';
import { parseKey } from './keys.ts';
import type { SignInput } from './sign-input.ts';
import { formatTimestamp, parseTimestamp } from './timestamp.ts';
import type { RawHeaders, ReadParts, Verifier } from './verifier.ts';
import { createSchemeVerifier } from './verifier.ts';

/** Any HMAC over a template. @throws PlaybookError CONFIG_INVALID when the template could be read in two ways. */
export function hmacVerifier(scheme: HmacScheme, secrets: readonly string[]): Verifier {
  const keys = secrets.map((secret) => parseKey(secret, scheme.key ?? 'utf8'));
  return createSchemeVerifier(readParts(scheme), hmacMatches(formOf(scheme), keys));
}

export function signHmac(scheme: HmacScheme, secret: string, input: SignInput): Record<string, string> {
  const prefixOf = compileTemplate(scheme);
  const timestamp = formatTimestamp(input.timestampMs, scheme.timestampUnit);
  const key = parseKey(secret, scheme.key ?? 'utf8');
  const signature = hmac(formOf(scheme), key, prefixOf(input.id, timestamp), input.body);
  return {
    ...(scheme.idHeader !== undefined && { [scheme.idHeader]: input.id }),
    ...(scheme.timestampHeader !== undefined && { [scheme.timestampHeader]: timestamp }),
    [scheme.signatureHeader]: `${scheme.prefix ?? ''}${signature}`,
  };
}

function readParts(scheme: HmacScheme): ReadParts {
  const prefixOf = compileTemplate(scheme);
  const separator = afterId(scheme.template);
  const idSigned = separator !== undefined;
  const signatureHeader = scheme.signatureHeader.toLowerCase();
  const signaturePrefix = scheme.prefix ?? '';

  return (rawHeaders) => {
    const id = headerIfNamed(rawHeaders, scheme.idHeader);
    if (!id.ok && (idSigned || id.reason !== 'header_missing')) return id.reason;
    const timestamp = headerIfNamed(rawHeaders, scheme.timestampHeader);
    if (!timestamp.ok) return timestamp.reason;
    const signature = readHeader(rawHeaders, signatureHeader);
    if (!signature.ok) return signature.reason;

    const eventId = id.ok ? id.value : '';
    if (eventId !== '' && !isEventId(eventId)) return 'header_malformed';
    if (separator !== undefined && eventId.includes(separator)) return 'header_malformed';
    const timestampMs = parseTimestamp(timestamp.value, scheme.timestampUnit);
    if (scheme.timestampHeader !== undefined && timestampMs === undefined) return 'timestamp_malformed';
    if (!signature.value.startsWith(signaturePrefix)) return 'header_malformed';

    return {
      candidates: [signature.value.slice(signaturePrefix.length)],
      prefix: prefixOf(eventId, timestamp.value),
      eventId: eventId === '' ? undefined : eventId,
      timestampMs,
    };
  };
}

/** The value of a header the scheme names; empty where it names none. */
function headerIfNamed(rawHeaders: RawHeaders, name: string | undefined) {
  return name === undefined ? ({ ok: true, value: '' } as const) : readHeader(rawHeaders, name.toLowerCase());
}

/** Checks the template once and returns what fills in everything before the body. */
function compileTemplate(scheme: HmacScheme): (id: string, timestamp: string) => string {
  const { template } = scheme;
  const problem = templateProblem(scheme);
  if (problem !== undefined) {
    throw new PlaybookError('CONFIG_INVALID', `The webhook template ${JSON.stringify(template)} ${problem}.`);
  }
  const pieces = template.slice(0, -'{body}'.length).split(/(\{id\}|\{timestamp\})/);
  return (id, timestamp) =>
    pieces.map((piece) => (piece === '{id}' ? id : piece === '{timestamp}' ? timestamp : piece)).join('');
}

function templateProblem({ template, idHeader, timestampHeader }: HmacScheme): string | undefined {
  const count = (placeholder: string): number => template.split(placeholder).length - 1;
  if (!template.endsWith('{body}') || count('{body}') !== 1) return 'must end with {body} and hold it once';
  if (count('{id}') > 1 || count('{timestamp}') > 1) return 'may hold {id} and {timestamp} once each';
  if (count('{id}') === 1 && idHeader === undefined) return 'holds {id}, so idHeader must name its header';
  if (count('{timestamp}') === 1 && timestampHeader === undefined) {
    return 'holds {timestamp}, so timestampHeader must name its header';
  }
  if (count('{timestamp}') === 0 && timestampHeader !== undefined) {
    return 'lacks {timestamp}: the time in timestampHeader would be unsigned, and anybody could renew it';
  }
  if (count('{id}') === 1 && (afterId(template) === '{' || afterId(template) === undefined)) {
    return 'needs a separator after {id}, or an id could borrow characters from what follows';
  }
  return undefined;
}

/** The character that ends an id, which an id must therefore not hold. */
function afterId(template: string): string | undefined {
  const at = template.indexOf('{id}');
  return at === -1 ? undefined : template[at + '{id}'.length];
}

function formOf(scheme: HmacScheme): HmacForm {
  return { algorithm: scheme.algorithm ?? 'sha256', encoding: scheme.encoding };
}
