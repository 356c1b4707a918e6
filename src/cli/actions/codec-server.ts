import { createHash, timingSafeEqual } from 'node:crypto';
import { codecFromEnvironment, CODEC_KEYS, createCodecServer } from '../../codec/index.ts';
import { PlaybookError } from '../../contracts/errors.ts';
import { createSecrets } from '../../definition/index.ts';
import { untilAborted } from '../compose/until-aborted.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';

export interface CodecServerCommandOptions {
  readonly port: number;
  readonly host: string;
  readonly origins: readonly string[];
  /** Reference to the token callers must send. */
  readonly token: string | undefined;
}

/** Serves the codec to the Web UI, until interrupted. */
export async function runCodecServer(io: CliIo, options: CodecServerCommandOptions): Promise<ExitCode> {
  const { port, host, origins, token } = options;
  const codec = codecFromEnvironment(io.env);
  if (codec === undefined) {
    throw new PlaybookError(
      'CONFIG_INVALID',
      `${CODEC_KEYS} is not set: there is nothing to decrypt with. Set it as for the workers, such as 2026-11=env:CODEC_KEY.`,
    );
  }
  const { resolve } = createSecrets({ env: io.env });
  const server = await createCodecServer({
    codec,
    port,
    host,
    origins,
    ...(token === undefined
      ? {}
      : { authorize: async (given) => isSame(given ?? '', `Bearer ${await resolve(token)}`) }),
  });
  io.stderr.write(`The codec server is at ${server.url}, for pages of ${origins.join(', ')}\n`);
  await untilAborted(io.interrupt);
  await server.close();
  return EXIT.ok;
}

function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
