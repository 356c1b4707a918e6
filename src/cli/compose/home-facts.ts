import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Ports of the embedded parts: kept over restarts, so that callbacks under way find their receiver. */
export interface KeptPorts {
  /** docproc's sandbox. */
  readonly sandbox?: number;
  /** The other services' sandboxes. */
  readonly sandboxes?: Readonly<Record<string, number>>;
  readonly receiver?: number;
}

/** Where the running embedded parts are, for other commands in the same home. */
export interface Endpoints {
  readonly temporal: string;
  readonly uiUrl: string;
}

const PORTS = 'ports.json';
const ENDPOINTS = 'endpoints.json';
const CALLBACK_SECRET = 'callback-secret';

export async function keptPorts(home: string): Promise<KeptPorts> {
  return (await readJson<KeptPorts>(join(home, PORTS))) ?? {};
}

export async function keepPorts(home: string, ports: KeptPorts): Promise<void> {
  await writeJson(home, PORTS, ports);
}

/** What the process that holds the home has announced; of a killed one it may be out of date. */
export async function announcedEndpoints(home: string): Promise<Endpoints | undefined> {
  return readJson<Endpoints>(join(home, ENDPOINTS));
}

export async function announceEndpoints(home: string, endpoints: Endpoints): Promise<void> {
  await writeJson(home, ENDPOINTS, endpoints);
}

export async function withdrawEndpoints(home: string): Promise<void> {
  await rm(join(home, ENDPOINTS), { force: true });
}

/** The file with the secret that signs this home's callback tokens: made once, readable by its owner only. */
export async function callbackSecretFile(home: string): Promise<string> {
  const path = join(home, CALLBACK_SECRET);
  try {
    await writeFile(path, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return path;
}

async function readJson<Value>(path: string): Promise<Value | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Value;
  } catch {
    return undefined; // not there, or damaged by a crash: it is only a memory
  }
}

async function writeJson(home: string, name: string, value: unknown): Promise<void> {
  const draft = join(home, `.${name}`);
  await writeFile(draft, JSON.stringify(value));
  await rename(draft, join(home, name));
}
