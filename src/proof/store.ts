import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PlaybookError } from '../contracts/errors.ts';
import type { Har } from './har.ts';
import { parseManifest, sha256 } from './manifest.ts';
import type { Manifest } from './manifest.ts';

/** A recorded run: a folder with a manifest and the traffic. */
export interface Proof {
  /** The folder's name. */
  readonly name: string;
  readonly manifest: Manifest;
  readonly har: Har;
}

const MANIFEST = 'manifest.json';
const TRAFFIC = 'traffic.har';
/** What a write leaves behind that was killed begins so; it is no proof. */
const DRAFT = '.draft-';
const HOUR_MS = 3_600_000;

/** The text of a proof's traffic: what the manifest's hash is of. */
export function harText(har: Har): string {
  return `${JSON.stringify(har, undefined, 2)}\n`;
}

/**
 * Writes a proof into `folder`, in one step: either it is there whole, or not at all.
 * @throws PlaybookError INVALID_INPUT where there is one of that name already
 */
export async function writeProof(folder: string, { name, manifest, har }: Proof): Promise<string> {
  await mkdir(folder, { recursive: true });
  const draft = await mkdtemp(join(folder, DRAFT));
  const target = join(folder, name);
  try {
    await writeFile(join(draft, TRAFFIC), harText(har));
    await writeFile(join(draft, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`);
    await rename(draft, target);
  } catch (cause) {
    await rm(draft, { recursive: true, force: true });
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw cause;
    throw new PlaybookError('INVALID_INPUT', `There is a proof ${name} already. Record again under another name.`, {
      cause,
    });
  }
  return target;
}

/** Names of the proofs in a folder, oldest first. */
export async function listProofs(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  return folders.map(({ name }) => name).toSorted();
}

/**
 * Reads a proof.
 * @throws PlaybookError FILE_NOT_FOUND; INVALID_INPUT where the manifest cannot be read or the traffic is not what it was written for
 */
export async function readProof(folder: string, name: string): Promise<Proof> {
  const manifest = await readManifest(folder, name);
  const text = await read(join(folder, name, TRAFFIC));
  if (sha256(text) !== manifest.har.sha256) {
    throw new PlaybookError(
      'INVALID_INPUT',
      `The traffic of proof ${name} is not what its manifest was written for: it was changed. Record it again.`,
    );
  }
  return { name, manifest, har: JSON.parse(text) as Har };
}

/** @throws PlaybookError FILE_NOT_FOUND, INVALID_INPUT */
export async function readManifest(folder: string, name: string): Promise<Manifest> {
  const path = join(folder, name, MANIFEST);
  return parseManifest(await read(path), path);
}

export async function removeProof(folder: string, name: string): Promise<void> {
  await rm(join(folder, name), { recursive: true });
}

/** Removes what writes left behind that were killed: what is that old nobody is writing any more. */
export async function removeDrafts(folder: string, nowMs: number): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((one) => one.startsWith(DRAFT))) {
    const path = join(folder, name);
    if (nowMs - (await stat(path)).mtimeMs > HOUR_MS) await rm(path, { recursive: true, force: true });
  }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new PlaybookError('FILE_NOT_FOUND', `${path} cannot be read (${code}).`, { cause });
  }
}
