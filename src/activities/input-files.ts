import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { PlaybookError, type ErrorCode } from '../contracts/errors.ts';
import type { FileRef } from '../contracts/jobs.ts';

/** A file's verified bytes on this machine. */
export interface LocalFile {
  readonly open: () => Readable;
  readonly dispose: () => Promise<void>;
}

/** Makes the bytes of a reference available, checked against its hash and size. */
export type OpenInputFile = (file: FileRef, signal: AbortSignal) => Promise<LocalFile>;

/** Longest a download of an input may take, in milliseconds. */
const DOWNLOAD_MS = 120_000;

/**
 * Opens `file:` references in place and downloads `https:` ones to a temporary file, within `downloadMs` milliseconds.
 * @throws PlaybookError FILE_NOT_FOUND, FILE_CHANGED (other bytes than were accepted) or SERVICE_UNAVAILABLE (a download that may
 * succeed later)
 */
export async function openInputFile(file: FileRef, signal: AbortSignal, downloadMs = DOWNLOAD_MS): Promise<LocalFile> {
  const url = new URL(file.uri);
  if (url.protocol === 'file:') {
    const path = fileURLToPath(url);
    await verify(file, () => createReadStream(path, { signal }), signal);
    return { open: () => createReadStream(path), dispose: async () => undefined };
  }
  const folder = await mkdtemp(join(tmpdir(), 'playbook-input-'));
  const path = join(folder, 'input');
  const dispose = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await download({ file, url, path, downloadMs }, signal);
    await verify(file, () => createReadStream(path, { signal }), signal);
    return { open: () => createReadStream(path), dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function verify(file: FileRef, read: () => Readable, signal: AbortSignal): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of read()) {
      hash.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new PlaybookError('FILE_NOT_FOUND', `Input ${nameOf(file)} cannot be read (${errorCode(error)}).`, {
      cause: error,
    });
  }
  const actual = hash.digest('hex');
  if (actual !== file.sha256 || bytes !== file.bytes) {
    throw new PlaybookError(
      'FILE_CHANGED',
      `Input ${nameOf(file)} has ${bytes} bytes with SHA-256 ${actual}; the job was accepted for ${file.bytes} with ${file.sha256}. Restore it, or start a new job.`,
    );
  }
}

/** An input for an error message: without the query, which may hold a signature. */
function nameOf({ uri }: FileRef): string {
  const { protocol, host, pathname } = new URL(uri);
  return `${protocol}//${host}${pathname}`;
}

/** Answers after which the same download may succeed later. */
function mayPass(status: number): boolean {
  return status >= 500 || [408, 425, 429].includes(status);
}

interface Download {
  readonly file: FileRef;
  readonly url: URL;
  readonly path: string;
  readonly downloadMs: number;
}

async function download({ file, url, path, downloadMs }: Download, signal: AbortSignal): Promise<void> {
  const failed = (code: ErrorCode, why: string, cause?: unknown): PlaybookError =>
    new PlaybookError(code, `Input ${nameOf(file)} cannot be downloaded: ${why}.`, { cause });
  const target = await open(path, 'w', 0o600);
  // Not AbortSignal.timeout: within AbortSignal.any alone it is collected as garbage and never fires (Node 20).
  const stop = new AbortController();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    stop.abort();
  }, downloadMs);
  const abort = (): void => stop.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    const answer = await request(url, { signal: stop.signal });
    if (answer.statusCode !== 200) {
      await answer.body.dump();
      throw failed(
        mayPass(answer.statusCode) ? 'SERVICE_UNAVAILABLE' : 'FILE_NOT_FOUND',
        `status ${answer.statusCode}`,
      );
    }
    let received = 0;
    for await (const chunk of answer.body) {
      received += (chunk as Buffer).length;
      if (received > file.bytes)
        throw new PlaybookError('FILE_CHANGED', `Input ${nameOf(file)} has more than ${file.bytes} bytes.`);
      await target.write(chunk as Buffer);
    }
  } catch (error) {
    if (error instanceof PlaybookError || signal.aborted) throw error;
    if (isLate) throw failed('SERVICE_UNAVAILABLE', `not complete after ${downloadMs / 1_000} s`, error);
    throw failed('SERVICE_UNAVAILABLE', errorCode(error), error);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    await target.close();
  }
}

function errorCode(error: unknown): string {
  const { code, name } = error as Partial<NodeJS.ErrnoException>;
  return code ?? name ?? 'unknown reason';
}
