import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { PlaybookError } from '../../contracts/errors.ts';
import { createSecrets } from '../../definition/index.ts';
import { sign } from '../../webhooks/index.ts';
import { checkFiles } from '../compose/file-input.ts';
import { integrationOf } from '../compose/service-configs.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { readAll } from './jobs.ts';

export interface SignOptions {
  readonly service: string;
  /** The file to sign, byte by byte; `-` is stdin. */
  readonly body: string;
  /** A reference to the secret. */
  readonly secret: string;
  readonly id: string | undefined;
  readonly json: boolean;
}

/** Prints the headers the service would send with a webhook's body: for trying the receiver by hand. */
export async function signBody(io: CliIo, options: SignOptions): Promise<ExitCode> {
  const { service, id, json } = options;
  const { webhook } = await integrationOf(service);
  if (webhook === undefined) throw new PlaybookError('BAD_USAGE', `${service} sends no webhooks.`);
  const secret = await createSecrets({ env: io.env }).resolve(options.secret);
  const body = options.body === '-' ? await readAll(io.stdin) : await readBody(io, options.body);
  const headers = sign(webhook.scheme, secret, { id: id ?? `evt_${randomUUID()}`, timestampMs: Date.now(), body });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\n`);
  io.stdout.write(json ? `${JSON.stringify(headers)}\n` : lines.join(''));
  return EXIT.ok;
}

async function readBody(io: CliIo, path: string): Promise<Uint8Array> {
  const [absolute = path] = await checkFiles([path], io.cwd);
  return readFile(absolute);
}
