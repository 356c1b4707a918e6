import { PlaybookError } from '../contracts/errors.ts';

/** A key by name: `ref` is a secret reference whose value is 32 bytes in base64, base64url or hex. */
interface CodecKey {
  readonly id: string;
  readonly ref: string;
}

/** The keys of a codec: the first encrypts, all of them decrypt. */
export type CodecKeys = readonly [CodecKey, ...CodecKey[]];

const KEY_BYTES = 32;
const KEY_ID = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * Reads `<id>=<reference>[,<id>=<reference>…]`, such as `2026-11=env:CODEC_KEY_NEW,2026-05=env:CODEC_KEY_OLD`. To rotate, put the
 * new key first and keep the old one for as long as histories encrypted with it are kept.
 * @throws PlaybookError CONFIG_INVALID
 */
export function parseCodecKeys(text: string): CodecKeys {
  const keys = text.split(',').map((part): CodecKey => {
    const equals = part.indexOf('=');
    const id = part.slice(0, Math.max(0, equals)).trim();
    const ref = part.slice(equals + 1).trim();
    if (!KEY_ID.test(id) || !/^(?:env|file|vault):./.test(ref)) {
      throw new PlaybookError(
        'CONFIG_INVALID',
        'Codec keys are written <id>=<reference>[,…], such as 2026-11=env:CODEC_KEY; what was given is not shown.',
      );
    }
    return { id, ref };
  });
  const [first, ...rest] = keys;
  if (first === undefined || new Set(keys.map(({ id }) => id)).size !== keys.length) {
    throw new PlaybookError('CONFIG_INVALID', 'Two codec keys have the same id; every key needs its own.');
  }
  return [first, ...rest];
}

/** A key's bytes from the text its reference resolves to. @throws PlaybookError CONFIG_INVALID when they are not 32. */
export function readKey(id: string, text: string): Buffer {
  const trimmed = text.trim();
  const bytes = /^[0-9a-f]{64}$/i.test(trimmed) ? Buffer.from(trimmed, 'hex') : Buffer.from(trimmed, 'base64');
  if (bytes.length === KEY_BYTES && /^[A-Za-z0-9+/_=-]+$/.test(trimmed)) return bytes;
  throw new PlaybookError(
    'CONFIG_INVALID',
    `The codec key ${id} is not ${KEY_BYTES} bytes in base64 or hex. Make one with \`openssl rand -base64 32\`.`,
  );
}
