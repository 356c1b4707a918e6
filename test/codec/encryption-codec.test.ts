import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { defaultPayloadConverter, METADATA_ENCODING_KEY } from '@temporalio/common';
import type { Payload } from '@temporalio/common';
import { createEncryptionCodec } from '../../src/codec/encryption-codec.ts';
import { parseCodecKeys, readKey } from '../../src/codec/keys.ts';
import { PlaybookError } from '../../src/contracts/errors.ts';

const VALUES: Record<string, string> = {
  'env:NEW': randomBytes(32).toString('base64'),
  'env:OLD': randomBytes(32).toString('hex'),
  'env:SHORT': randomBytes(16).toString('base64'),
};

function codecOf(text: string) {
  let resolutions = 0;
  const codec = createEncryptionCodec({
    keys: parseCodecKeys(text),
    resolve: async (ref) => {
      resolutions += 1;
      const value = VALUES[ref];
      if (value === undefined) throw new PlaybookError('SECRET_UNAVAILABLE', `no ${ref}`);
      return value;
    },
  });
  return { ...codec, resolutions: () => resolutions };
}

const textOf = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString();
const plain = (value: unknown) => defaultPayloadConverter.toPayload(value);

describe('the payload codec', () => {
  it('gives back what it was given, values and metadata, many at once', async () => {
    const codec = codecOf('k1=env:NEW');
    const payloads = [plain({ name: 'Änn' }), plain(undefined), plain(new Uint8Array([0, 255])), plain(''), {}];
    const encoded = await codec.encode(payloads);
    const decoded = await codec.decode(encoded);
    expect(decoded.slice(0, 4).map((payload) => defaultPayloadConverter.fromPayload(payload))).toEqual([
      { name: 'Änn' },
      undefined,
      Uint8Array.of(0, 255),
      '',
    ]);
    expect(textOf(decoded[0]?.metadata?.[METADATA_ENCODING_KEY])).toBe('json/plain');
    expect(codec.resolutions()).toBe(1);
  });

  it('shows nothing of the content, and never the same twice', async () => {
    const [one, two] = await codecOf('k1=env:NEW').encode([plain('c4nary'), plain('c4nary')]);
    expect(textOf(one?.metadata?.['encoding'])).toBe('binary/encrypted');
    expect(textOf(one?.metadata?.['encryption-key-id'])).toBe('k1');
    expect(textOf(one?.data)).not.toContain('c4nary');
    expect(Buffer.from(one?.data ?? []).equals(Buffer.from(two?.data ?? []))).toBe(false);
  });

  it('encrypts with the first key and still decrypts with the old one', async () => {
    const before = await codecOf('old=env:OLD').encode([plain('kept')]);
    const rotated = codecOf('new=env:NEW, old=env:OLD');
    expect(defaultPayloadConverter.fromPayload((await rotated.decode(before))[0] as Payload)).toBe('kept');
    expect(textOf((await rotated.encode([plain('x')]))[0]?.metadata?.['encryption-key-id'])).toBe('new');
  });

  it('decodes what was never encrypted as it is', async () => {
    const payloads = [plain('clear'), {}];
    expect(await codecOf('k1=env:NEW').decode(payloads)).toEqual(payloads);
  });

  it('names a key it does not have', async () => {
    const encoded = await codecOf('old=env:OLD').encode([plain('x')]);
    await expect(codecOf('new=env:NEW').decode(encoded)).rejects.toThrow(
      new PlaybookError(
        'SECRET_UNAVAILABLE',
        'A payload was encrypted with key "old", which is none of: new. Add that key after the first one.',
      ),
    );
  });

  it.each<[string, (payload: Payload) => Payload]>([
    ['changed content', (payload) => ({ ...payload, data: flipped(payload.data, 20) })],
    ['a changed tag', (payload) => ({ ...payload, data: flipped(payload.data, -1) })],
    ['cut content', (payload) => ({ ...payload, data: payload.data?.subarray(0, 15) ?? null })],
    ['no content', ({ metadata }) => ({ metadata: metadata ?? null })],
    [
      'another key’s id',
      (payload) => ({ ...payload, metadata: { ...payload.metadata, 'encryption-key-id': Buffer.from('twin') } }),
    ],
  ])('refuses %s', async (_name, tamper) => {
    const codec = codecOf('k1=env:NEW,twin=env:NEW');
    const [payload] = await codec.encode([plain('a value of some length')]);
    const tampered = tamper(payload as Payload);
    const id = textOf(tampered.metadata?.['encryption-key-id']);
    await expect(codec.decode([tampered])).rejects.toMatchObject({
      code: 'INTERNAL',
      message: `A payload does not decrypt with key ${id}: it was changed, or the key is not the one it was encrypted with.`,
    });
  });

  it('asks again for a key that could not be had at first', async () => {
    const codec = codecOf('k1=env:LATER');
    await expect(codec.encode([plain('x')])).rejects.toThrow(new PlaybookError('SECRET_UNAVAILABLE', 'no env:LATER'));
    VALUES['env:LATER'] = randomBytes(32).toString('base64url');
    expect(await codec.encode([plain('x')])).toHaveLength(1);
  });

  it('refuses a key of the wrong size without showing it', async () => {
    await expect(codecOf('k1=env:SHORT').encode([plain('x')])).rejects.toThrow(
      new PlaybookError(
        'CONFIG_INVALID',
        'The codec key k1 is not 32 bytes in base64 or hex. Make one with `openssl rand -base64 32`.',
      ),
    );
    expect(() => readKey('k1', `${'A'.repeat(42)}!=`)).toThrow(PlaybookError);
  });
});

describe('parseCodecKeys', () => {
  it.each(['', 'k1', 'k1=plain-secret', '=env:A', 'k 1=env:A', 'k1=env:A,'])('refuses %j, not showing it', (text) => {
    expect(() => parseCodecKeys(text)).toThrow(
      new PlaybookError(
        'CONFIG_INVALID',
        'Codec keys are written <id>=<reference>[,…], such as 2026-11=env:CODEC_KEY; what was given is not shown.',
      ),
    );
  });

  it('refuses two keys under one id', () => {
    expect(() => parseCodecKeys('a=env:A,a=env:B')).toThrow(
      new PlaybookError('CONFIG_INVALID', 'Two codec keys have the same id; every key needs its own.'),
    );
  });
});

function flipped(data: Uint8Array | null | undefined, at: number): Uint8Array {
  const copy = Buffer.from(data ?? []);
  const index = at < 0 ? copy.length + at : at;
  copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
}
