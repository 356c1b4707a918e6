import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { PlaybookError } from '../../contracts/errors.ts';
import type { SandboxOptions } from '../../sandbox/index.ts';
import { INTEGRATIONS_FOLDER } from '../package-folders.ts';
import { messageOf } from '../../rules/message-of.ts';

/** The sandbox's options out of a YAML file. @throws PlaybookError CONFIG_INVALID */
export async function readSandboxOptions(path: string): Promise<SandboxOptions> {
  let parsed: unknown;
  try {
    parsed = parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const [why] = messageOf(cause).split('\n'); // what follows draws the line
    const message = `The sandbox's options cannot be read from ${path}: ${why}`;
    throw new PlaybookError('CONFIG_INVALID', message, { cause });
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  throw new PlaybookError('CONFIG_INVALID', `${path} must hold the sandbox's options by name.`);
}

/** The options of a service's own sandbox: its `sandbox.yaml`, or docproc's as they are where it has none. */
export async function sandboxOptionsOf(service: string): Promise<SandboxOptions> {
  const path = join(INTEGRATIONS_FOLDER, service, 'sandbox.yaml');
  return existsSync(path) ? readSandboxOptions(path) : {};
}
