import { REDACTED, redactHeaders, redactText, redactValue } from '../rules/redaction.ts';
import type { Classified } from '../rules/redaction.ts';

/** Keeps what must not be seen out of logs, recordings and messages. */
export interface Redactor {
  /** Tells a secret value, to be removed from then on wherever it turns up: `createSecrets({ onResolved: redactor.learn })`. */
  readonly learn: (secret: string) => void;
  readonly text: (text: string) => string;
  /** Any value; `classified` says which of its fields are classified, see `classify` of `src/definition`. */
  readonly value: (value: unknown, classified?: Classified) => unknown;
  readonly headers: (headers: Readonly<Record<string, unknown>>) => Record<string, unknown>;
}

/** Shorter values would tear holes into innocent text; a secret this short protects nothing. */
const MIN_LENGTH = 6;
/** Rotated values are forgotten, oldest first. */
const MAX_SECRETS = 500;

/** Makes a redactor that knows no secret values yet. */
export function createRedactor(): Redactor {
  const secrets = new Set<string>();
  let pattern: RegExp | undefined;

  const learn = (secret: string): void => {
    if (secret.length < MIN_LENGTH || secrets.has(secret)) return;
    secrets.add(secret);
    if (secrets.size > MAX_SECRETS) secrets.delete([...secrets][0] ?? '');
    // Longest first: one secret may begin another.
    const forms = [...new Set([...secrets].flatMap((value) => formsOf(value)))].toSorted((a, b) => b.length - a.length);
    pattern = new RegExp(forms.map((form) => form.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join('|'), 'g');
  };
  const text = (value: string): string =>
    redactText(pattern === undefined ? value : value.replaceAll(pattern, REDACTED));

  return {
    learn,
    text,
    value: (value, classified) => redactValue(value, classified, text),
    headers: (headers) => redactHeaders(headers, text),
  };
}

/** A secret as it may be written: as it is, inside JSON, percent-encoded, in base64 and base64url; a PEM file by its lines. */
function formsOf(value: string): string[] {
  // Through bytes, because encodeURIComponent throws on half a surrogate pair.
  const secret = Buffer.from(value).toString();
  const forms = [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    new URLSearchParams({ a: secret }).toString().slice(2),
    ...[0, 1, 2].flatMap((offset) => base64Inside(secret, offset)),
    ...secret.split(/\r?\n/).filter((line) => line.length >= 32),
  ];
  return forms.filter((form) => form.length >= MIN_LENGTH);
}

/** The characters that stand for a secret in the base64 of a longer text, such as `user:secret`, where it begins at byte 3n + offset. */
function base64Inside(secret: string, offset: number): string[] {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]);
  const whole = bytes.subarray(0, bytes.length - (bytes.length % 3)).toString('base64');
  const inside = whole.slice(offset === 0 ? 0 : 4);
  return [inside, inside.replaceAll('+', '-').replaceAll('/', '_')];
}
