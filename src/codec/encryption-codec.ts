import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { PlaybookError } from '../contracts/errors.ts';
import { readKey } from './keys.ts';
import type { CodecKeys } from './keys.ts';

/** The value of `encoding` that other languages' samples use, too. */
const ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
const IV_BYTES = 12;
const TAG_BYTES = 16;

export interface EncryptionCodecOptions {
  readonly keys: CodecKeys;
  /** Resolves secret references; see `createSecrets`. Each key is resolved once. */
  readonly resolve: (ref: string) => Promise<string>;
}

/**
 * Encrypts everything Temporal stores as payloads (inputs, results, signals, heartbeat details, memos, failure details with
 * `encodeCommonAttributes`; not search attributes, which Temporal must be able to index). AES-256-GCM, a random 96-bit IV for each
 * payload, the key's id in the metadata and bound to the ciphertext. What is not encrypted is decoded as it is, so that
 * encryption can be switched on while workflows run.
 * @throws PlaybookError SECRET_UNAVAILABLE for a key that is not among `keys`, CONFIG_INVALID for an unusable one,
 * INTERNAL for a payload that was tampered with.
 */
export function createEncryptionCodec({ keys, resolve }: EncryptionCodecOptions): PayloadCodec {
  const resolved = new Map<string, Promise<Buffer>>();

  const keyOf = async (id: string): Promise<Buffer> => {
    const key = keys.find((candidate) => candidate.id === id);
    if (key === undefined) {
      throw new PlaybookError(
        'SECRET_UNAVAILABLE',
        `A payload was encrypted with key ${JSON.stringify(id.slice(0, 64))}, which is none of: ${keys.map((known) => known.id).join(', ')}. Add that key after the first one.`,
      );
    }
    let bytes = resolved.get(id);
    if (bytes === undefined) {
      bytes = resolve(key.ref).then((text) => readKey(id, text));
      resolved.set(id, bytes);
      bytes.catch(() => resolved.delete(id));
    }
    return bytes;
  };

  const encodeOne = async (payload: Payload): Promise<Payload> => {
    const { id } = keys[0];
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', await keyOf(id), iv).setAAD(Buffer.from(id));
    const plain = proto.temporal.api.common.v1.Payload.encode(payload).finish();
    const data = Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    return { metadata: { encoding: Buffer.from(ENCODING), [KEY_ID]: Buffer.from(id) }, data };
  };

  const decodeOne = async (payload: Payload): Promise<Payload> => {
    const { metadata, data } = payload;
    if (textOf(metadata?.['encoding']) !== ENCODING) return payload;
    const id = textOf(metadata?.[KEY_ID]);
    const key = await keyOf(id);
    try {
      return decrypt(id, key, data ?? new Uint8Array());
    } catch (cause) {
      throw new PlaybookError(
        'INTERNAL',
        `A payload does not decrypt with key ${id}: it was changed, or the key is not the one it was encrypted with.`,
        { cause },
      );
    }
  };

  return {
    encode: (payloads) => Promise.all(payloads.map(encodeOne)),
    decode: (payloads) => Promise.all(payloads.map(decodeOne)),
  };
}

function decrypt(id: string, key: Buffer, data: Uint8Array): Payload {
  const iv = data.subarray(0, IV_BYTES);
  const tagAt = Math.max(IV_BYTES, data.length - TAG_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(id))
    .setAuthTag(data.subarray(tagAt));
  const plain = Buffer.concat([decipher.update(data.subarray(IV_BYTES, tagAt)), decipher.final()]);
  const { metadata, data: content } = proto.temporal.api.common.v1.Payload.decode(plain);
  return { metadata, data: content };
}

function textOf(bytes: Uint8Array | null | undefined): string {
  return bytes === null || bytes === undefined ? '' : Buffer.from(bytes).toString();
}
