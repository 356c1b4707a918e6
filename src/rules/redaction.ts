/** Why a value may not be shown. */
export type DataClass = 'secret' | 'pii' | 'phi' | 'pci';

/** What is known of a value and of what lies below it. */
export interface Classified {
  /** Of the value as a whole. */
  readonly dataClass?: DataClass;
  /** Of a field or list item; `undefined` when nothing below is classified. */
  readonly child: (key: string | number) => Classified | undefined;
}

/** Stands where a value was. */
export const REDACTED = '[redacted]';

const SENSITIVE =
  /(?:^|-)(?:authorization|cookie|token|secrets?|password|passwd|passphrase|signature|credentials?|assertion|apikey|jwt|otp|cvv|cvc|api-key|access-key|private-key|signing-key|secret-key|encryption-key)(?:-|$)/;
/** Names that only sound secret: how, where and of what kind a token is. */
const HARMLESS = /(?:^|-)token-(?:url|uri|type|endpoint)$|^signature-(?:version|algorithm)$/;
/** Deeper than any real payload; below it nothing is shown. */
const MAX_DEPTH = 40;

/** `clientSecret`, `client_secret`, `X-Client-Secret` → words joined by `-`. */
function words(name: string): string {
  return name
    .slice(0, 128)
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .toLowerCase();
}

/** True for a header, field or query parameter whose value is kept out of sight everywhere. An idempotency key is none. */
export function isSensitiveName(name: string): boolean {
  const normal = words(name);
  return SENSITIVE.test(normal) && !HARMLESS.test(normal);
}

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  // A digit, a `=` or mere length tells a credential from a sentence about one.
  [/\b([Bb]earer|[Bb]asic)\s+(?=[\w.~+/-]*[\d=]|[\w.~+/-]{20})[\w.~+/=-]{6,}/g, `$1 ${REDACTED}`],
  [/\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g, REDACTED],
  [/\bwhs(?:ec|k)_[A-Za-z0-9+/=_-]{8,}/g, REDACTED],
  // Credentials in a URL.
  [/(\b[a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/?#@]{1,512}@/gi, `$1${REDACTED}@`],
  // The token of a job's callback URL.
  [/(\/webhooks\/[a-z0-9-]+\/)[\w-]{8,600}\.[\w-]{22}(?![\w-])/g, `$1${REDACTED}`],
];
/** `name=value` in a query, a form or a connection string. */
const ASSIGNMENT = /([?&;\s]|^)([\w.%-]{2,64})=([^&;\s"']+)/g;
/** `"name": "value"` in JSON that stands in a text, quotes escaped or not. */
const MEMBER = /(\\?")([\w.-]{2,64})\1(\s*:\s*)\\?"((?:[^"\\]|\\[^"]|\\"(?=[^,}\]\s:]))*)\\?"/g;

/**
 * Removes what is secret by its look from any text: credentials in URLs, authorization values, tokens, private keys, and
 * values beside a sensitive name.
 */
export function redactText(text: string): string {
  let safe = text;
  for (const [pattern, replacement] of PATTERNS) safe = safe.replaceAll(pattern, replacement);
  return safe
    .replaceAll(ASSIGNMENT, (all, before: string, name: string) =>
      isSensitiveName(name) ? `${before}${name}=${REDACTED}` : all,
    )
    .replaceAll(MEMBER, (all, quote: string, name: string, colon: string) =>
      isSensitiveName(name) ? `${quote}${name}${quote}${colon}${quote}${REDACTED}${quote}` : all,
    );
}

/** Headers with sensitive values left out. */
export function redactHeaders(
  headers: Readonly<Record<string, unknown>>,
  text: (value: string) => string = redactText,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, redactField(name, value, undefined, text, 1)]),
  );
}

/**
 * A copy of any value fit to be shown: classified fields (by schema) and sensitively named ones replaced, every text cleaned.
 * Errors become plain objects with type, code, message, stack and cause; bytes become their length.
 */
export function redactValue(
  value: unknown,
  classified?: Classified,
  text: (value: string) => string = redactText,
): unknown {
  return redact(value, classified, text, 0);
}

function redact(
  value: unknown,
  classified: Classified | undefined,
  text: (value: string) => string,
  depth: number,
): unknown {
  if (value === undefined || value === null) return value;
  if (classified?.dataClass !== undefined) return `[redacted: ${classified.dataClass}]`;
  if (typeof value === 'string') return text(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object') return typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
  if (depth >= MAX_DEPTH) return REDACTED;
  if (isError(value)) return redactError(value, text, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof URL) return text(value.href);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) {
    return value.map((item, index) => redact(item, classified?.child(index), text, depth + 1));
  }
  if (value instanceof Map) return redact(Object.fromEntries(value), classified, text, depth);
  if (value instanceof Set) return redact([...value], classified, text, depth);
  const safe: Record<string, unknown> = {};
  for (const [name, child] of Object.entries(value)) {
    // Not `safe[name] =`: a field named __proto__ would change the prototype.
    Object.defineProperty(safe, name, {
      value: redactField(name, child, classified?.child(name), text, depth + 1),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return safe;
}

function redactField(
  name: string,
  value: unknown,
  classified: Classified | undefined,
  text: (value: string) => string,
  depth: number,
): unknown {
  const shown = value === null || value === undefined || typeof value === 'boolean';
  return isSensitiveName(name) && !shown ? REDACTED : redact(value, classified, text, depth);
}

/** Also of another realm: `instanceof` does not know those. */
function isError(value: object): value is Error {
  return Object.prototype.toString.call(value) === '[object Error]';
}

function redactError(error: Error, text: (value: string) => string, depth: number): unknown {
  const { name, message, stack, cause, ...own } = error;
  return {
    type: name,
    ...(redact(own, undefined, text, depth + 1) as object),
    message: text(message),
    ...(stack !== undefined && { stack: text(stack) }),
    ...(cause !== undefined && { cause: redact(cause, undefined, text, depth + 1) }),
  };
}
