import { PlaybookError } from '../../contracts/errors.ts';

/** A shorter secret can be guessed, or is a placeholder somebody forgot. */
const MIN_TEXT_BYTES = 16;
/** What the Standard Webhooks specification asks for. */
const MIN_STANDARD_BYTES = 24;

export type KeyEncoding = 'utf8' | 'hex' | 'base64';

/** Key bytes of a secret, refusing what is empty, short or not written in its encoding. Never prints the secret. */
export function parseKey(secret: string, encoding: KeyEncoding, minBytes: number = MIN_TEXT_BYTES): Buffer {
  const key = decode(secret, encoding);
  if (!key) throw badSecret(`is not ${encoding}`);
  if (key.length < minBytes) throw badSecret(`holds ${key.length} bytes, at least ${minBytes} are needed`);
  return key;
}

/** A Standard Webhooks secret: base64 of at least 24 bytes, with or without `whsec_`. */
export function parseStandardKey(secret: string): Buffer {
  return parseKey(withoutPrefix(secret, 'whsec_'), 'base64', MIN_STANDARD_BYTES);
}

/** The 32 bytes after `prefix`: an ed25519 key. */
export function parseEd25519Key(secret: string, prefix: 'whpk_' | 'whsk_'): Buffer {
  if (!secret.startsWith(prefix)) throw badSecret(`does not begin with ${prefix}`);
  const key = parseKey(secret.slice(prefix.length), 'base64', 32);
  // Some tools write a private key as seed and public key together.
  if (key.length === 64 && prefix === 'whsk_') return key.subarray(0, 32);
  if (key.length !== 32) throw badSecret(`holds ${key.length} bytes after ${prefix}, an ed25519 key has 32`);
  return key;
}

function withoutPrefix(text: string, prefix: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

/** Node decodes what it can and drops the rest, so the text is compared with what its bytes would be written as. */
function decode(text: string, encoding: KeyEncoding): Buffer | undefined {
  const bytes = Buffer.from(text, encoding);
  const canonical = bytes.toString(encoding);
  const written = encoding === 'hex' ? text.toLowerCase() : text;
  const same = canonical === written || (encoding === 'base64' && canonical.replace(/=+$/, '') === written);
  return same ? bytes : undefined;
}

function badSecret(problem: string): PlaybookError {
  return new PlaybookError(
    'CONFIG_INVALID',
    `A webhook secret ${problem}. Copy it again from the service, unchanged, into the place webhook.secrets refers to.`,
  );
}
