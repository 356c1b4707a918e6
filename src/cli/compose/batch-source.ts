import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { BatchItem } from '../../client/index.ts';
import { PlaybookError } from '../../contracts/errors.ts';
import type { Integration } from '../../definition/index.ts';
import { badUsage } from '../args/bad-usage.ts';
import { checkFiles, fileRef, inputOf } from './file-input.ts';
import { csvRows } from './csv.ts';
import { derivedKey } from './job-key.ts';

/** Jobs from a file or folder, the same ones in the same order each time they are read. */
export interface BatchSource {
  /** A name that follows from what is in it. */
  readonly name: string;
  readonly items: () => AsyncGenerator<BatchItem<unknown>, void>;
}

/**
 * Opens what `--from` names: JSON lines, CSV with a header, or a folder of files.
 * @throws PlaybookError FILE_NOT_FOUND or BAD_USAGE
 */
export async function batchSource(
  integration: Integration,
  options: { readonly from: string; readonly cwd: string; readonly path: readonly string[] },
): Promise<BatchSource> {
  const place = resolve(options.cwd, options.from);
  const isFolder = await stat(place).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) return folderSource(integration, place);
  await checkFiles([options.from], options.cwd);
  const kind = extname(place).toLowerCase();
  const items = { '.jsonl': jsonLines, '.ndjson': jsonLines, '.csv': csvLines }[kind];
  if (items === undefined) {
    throw badUsage(
      `--from takes a .jsonl or .csv file or a folder; ${basename(place)} is none of these.`,
      options.path,
    );
  }
  return { name: nameOf(place, await digestOf(place)), items: () => items(integration, place) };
}

function nameOf(place: string, digest: string): string {
  const plain = basename(place, extname(place)).replaceAll(/[^A-Za-z0-9._-]/g, '-');
  return `${plain.slice(0, 40)}-${digest.slice(0, 12)}`;
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function folderSource(integration: Integration, folder: string): Promise<BatchSource> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.')).map(({ name }) => name);
  names.sort();
  const hash = createHash('sha256');
  for (const name of names) hash.update(JSON.stringify([name, (await stat(join(folder, name))).size]));
  return {
    name: nameOf(folder, hash.digest('hex')),
    items: async function* () {
      for (const name of names) yield fileItem(integration, join(folder, name), {});
    },
  };
}

async function fileItem(
  integration: Integration,
  path: string,
  { key, unit }: { readonly key?: string; readonly unit?: string },
): Promise<BatchItem<unknown>> {
  return withKey(integration, inputOf(integration, await fileRef(path)), key, unit);
}

/** Without a key of its own, a job's follows from its input: as for a single one. */
function withKey(integration: Integration, input: unknown, key?: string, unit?: string): BatchItem<unknown> {
  const { service } = integration;
  return {
    key: key ?? derivedKey({ service, input, unit, configDigest: undefined }),
    input,
    ...(unit === undefined ? {} : { unit }),
  };
}

/** `{"key": …, "unit": …, "input": {…}}` a line, or the input alone. */
async function* jsonLines(integration: Integration, path: string): AsyncGenerator<BatchItem<unknown>, void> {
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity })) {
    line += 1;
    if (text.trim() === '') continue;
    const value = parsed(text, `${path}:${line}`);
    if (!('input' in value)) yield withKey(integration, value);
    else {
      const { key, unit, input } = value;
      yield withKey(integration, input, textOf(key, 'key', path, line), textOf(unit, 'unit', path, line));
    }
  }
}

function parsed(text: string, where: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // told below, with the place
  }
  throw new PlaybookError(
    'INVALID_INPUT',
    `${where} is no JSON object. Each line is one job: {"key": "…", "input": {…}}.`,
  );
}

function textOf(value: unknown, name: string, path: string, line: number): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw new PlaybookError('INVALID_INPUT', `${path}:${line}: ${name} must be a text.`);
}

/** A header names the columns: `key` and `unit` if there are any; `file` is a path beside the CSV, else the others are the input. */
async function* csvLines(integration: Integration, path: string): AsyncGenerator<BatchItem<unknown>, void> {
  let header: readonly string[] | undefined;
  for await (const row of csvRows(createReadStream(path, 'utf8') as AsyncIterable<string>)) {
    if (header === undefined) {
      header = row.map((name) => name.trim());
      continue;
    }
    const { key, unit, file, ...input } = Object.fromEntries(header.map((name, at) => [name, row[at] ?? '']));
    const named = { ...(key ? { key } : {}), ...(unit ? { unit } : {}) };
    if (file === undefined) yield withKey(integration, input, named.key, named.unit);
    else yield fileItem(integration, (await checkFiles([file], dirname(path)))[0] ?? file, named);
  }
}
