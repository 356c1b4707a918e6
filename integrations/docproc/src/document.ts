import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { PlaybookError, type FileRef } from '../../../src/contracts/index.ts';
import { CONTENT_TYPES } from './constants.ts';
import { documentRef, type DocumentRef } from './models.ts';

/**
 * A file as docproc takes it.
 * @throws PlaybookError UNSUPPORTED_MEDIA_TYPE for anything but a PDF, plain text or Markdown; INVALID_INPUT for a reference that is none
 */
export function toDocument(file: FileRef): DocumentRef {
  if (!Object.values(CONTENT_TYPES).includes(file.contentType)) throw unsupported(nameOf(file), file.contentType);
  const parsed = documentRef.safeParse(file);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new PlaybookError('INVALID_INPUT', `The reference to a document is not valid. ${problems.join('; ')}`);
}

/**
 * Refers to a file on this machine by path and hash. Its bytes stay where they are: the worker reads the same path.
 * @throws PlaybookError UNSUPPORTED_MEDIA_TYPE or FILE_NOT_FOUND
 */
export async function documentFromFile(path: string): Promise<DocumentRef> {
  const extension = extname(path).toLowerCase();
  const contentType = CONTENT_TYPES[extension];
  if (contentType === undefined) throw unsupported(basename(path), extension === '' ? 'without extension' : extension);
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new PlaybookError('FILE_NOT_FOUND', `${path} cannot be read (${code}). Check the path; nothing was sent.`, {
      cause,
    });
  }
  return toDocument({ uri: pathToFileURL(resolve(path)).href, sha256: hash.digest('hex'), bytes, contentType });
}

function unsupported(name: string, kind: string): PlaybookError {
  return new PlaybookError(
    'UNSUPPORTED_MEDIA_TYPE',
    `docproc reads PDF (.pdf), plain text (.txt) and Markdown (.md); ${name} is ${kind}. Convert it first; nothing was sent.`,
  );
}

function nameOf({ uri }: FileRef): string {
  return uri.startsWith('file:') ? basename(fileURLToPath(uri)) : 'this document';
}
