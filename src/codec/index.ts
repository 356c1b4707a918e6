export { createCodecServer } from './codec-server.ts';
export type { CodecServer, CodecServerOptions } from './codec-server.ts';
export { encryptingDataConverter } from './data-converter.ts';
export { CODEC_KEYS, codecFromEnvironment, dataConverterFromEnvironment } from './from-environment.ts';
export { createEncryptionCodec } from './encryption-codec.ts';
export { parseCodecKeys } from './keys.ts';
