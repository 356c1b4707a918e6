import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PlaybookError } from '../../contracts/errors.ts';
import type { FileRef } from '../../contracts/jobs.ts';
import type { Integration } from '../../definition/index.ts';
import { contentTypeOf } from '../../rules/content-type.ts';

/** How files of a kind begin, for those whose name does not tell. */
const BY_MAGIC: readonly (readonly [string, string])[] = [
  ['%PDF-', 'application/pdf'],
  ['\u0089PNG', 'image/png'],
  ['\u00FF\u00D8\u00FF', 'image/jpeg'],
  ['GIF8', 'image/gif'],
  ['PK\u0003\u0004', 'application/zip'],
];

/**
 * Checks that every path is a readable file.
 * @returns absolute paths
 * @throws PlaybookError FILE_NOT_FOUND naming all that are not
 */
export async function checkFiles(paths: readonly string[], cwd: string): Promise<readonly string[]> {
  const checked = await Promise.all(
    paths.map(async (path) => {
      const absolute = resolve(cwd, path);
      return { path, absolute, problem: await problemOf(absolute) };
    }),
  );
  const missing = checked.flatMap(({ path, problem }) => (problem === undefined ? [] : [`${path}: ${problem}`]));
  if (missing.length === 0) return checked.map(({ absolute }) => absolute);
  throw new PlaybookError(
    'FILE_NOT_FOUND',
    missing.length === 1
      ? `${missing[0]}. Check the path; nothing was sent.`
      : `${missing.length} files cannot be read; nothing was sent:\n  ${missing.join('\n  ')}`,
  );
}

async function problemOf(path: string): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isFile()) return 'is not a file';
    await (await open(path)).close();
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? 'is not there' : `cannot be opened (${code})`;
  }
}

/** Refers to a file by path and hash; its bytes stay where they are. */
export async function fileRef(path: string): Promise<FileRef> {
  const hash = createHash('sha256');
  let bytes = 0;
  let start = Buffer.alloc(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    if (bytes === 0) start = Buffer.from(chunk.subarray(0, 16));
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { uri: pathToFileURL(path).href, sha256: hash.digest('hex'), bytes, contentType: contentType(path, start) };
}

function contentType(path: string, start: Buffer): string {
  const head = start.toString('latin1');
  return (
    contentTypeOf(extname(path)) ??
    BY_MAGIC.find(([magic]) => head.startsWith(magic))?.[1] ??
    'application/octet-stream'
  );
}

/**
 * The input of a job for one file.
 * @throws PlaybookError UNSUPPORTED_MEDIA_TYPE when the integration does not take this kind of file; BAD_USAGE when it takes none
 */
export function inputOf(integration: Integration, file: FileRef): unknown {
  if (integration.fromFile === undefined) {
    throw new PlaybookError(
      'BAD_USAGE',
      `${integration.service} makes no job from a file. Give its input as JSON: \`playbook jobs start ${integration.service} --input <file>\`.`,
    );
  }
  try {
    return integration.fromFile(file) as unknown;
  } catch (cause) {
    throw new PlaybookError(
      'UNSUPPORTED_MEDIA_TYPE',
      `${integration.service} does not take files of type ${file.contentType}. Nothing was sent; see the integration's README for what it takes.`,
      { cause },
    );
  }
}
