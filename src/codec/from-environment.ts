import type { DataConverter, PayloadCodec } from '@temporalio/common';
import { createSecrets } from '../definition/secrets.ts';
import { encryptingDataConverter } from './data-converter.ts';
import { createEncryptionCodec } from './encryption-codec.ts';
import { parseCodecKeys } from './keys.ts';

/** Names the keys, as `<id>=<reference>[,…]`; the first encrypts. Every process that reads or writes jobs needs the same. */
export const CODEC_KEYS = 'PLAYBOOK_CODEC_KEYS';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The codec the environment asks for; `undefined` where it asks for none.
 * @throws PlaybookError CONFIG_INVALID
 */
export function codecFromEnvironment(env: Environment): PayloadCodec | undefined {
  const keys = env[CODEC_KEYS];
  if (keys === undefined || keys === '') return undefined;
  return createEncryptionCodec({ keys: parseCodecKeys(keys), resolve: createSecrets({ env }).resolve });
}

/**
 * What worker, receiver and client take as `dataConverter` in this environment; `undefined`: Temporal's own.
 * @throws PlaybookError CONFIG_INVALID
 */
export function dataConverterFromEnvironment(env: Environment): DataConverter | undefined {
  const codec = codecFromEnvironment(env);
  return codec === undefined ? undefined : encryptingDataConverter(codec);
}
