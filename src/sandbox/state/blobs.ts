import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes by their sha256. What is stored never changes. */
export interface BlobStore {
  readonly put: (sha256: string, bytes: Buffer) => Promise<void>;
  /** Rejects when there is no such blob. */
  readonly get: (sha256: string) => Promise<Buffer>;
}

export function createMemoryBlobs(): BlobStore {
  const blobs = new Map<string, Buffer>();
  return {
    put: async (sha256, bytes) => {
      blobs.set(sha256, bytes);
    },
    get: async (sha256) => {
      const bytes = blobs.get(sha256);
      if (bytes === undefined) throw new Error(`no blob ${sha256}`);
      return bytes;
    },
  };
}

/** Keeps each blob in a file of its own; a file is complete from the moment it has its name. */
export function createFileBlobs(folder: string): BlobStore {
  const pathOf = (sha256: string): string => join(folder, sha256.slice(0, 2), sha256);
  return {
    put: async (sha256, bytes) => {
      const path = pathOf(sha256);
      const draft = `${path}.${randomUUID()}`;
      await mkdir(join(folder, sha256.slice(0, 2)), { recursive: true });
      await writeFile(draft, bytes);
      await rename(draft, path);
    },
    get: (sha256) => readFile(pathOf(sha256)),
  };
}
