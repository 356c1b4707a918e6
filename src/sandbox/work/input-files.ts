import type { MediaType } from '../extraction/document.ts';
import type { BlobStore } from '../state/blobs.ts';
import type { Job } from '../state/entities.ts';
import type { Store } from '../state/store.ts';

/** The uploaded files that jobs work on. */
export interface InputFiles {
  readonly of: (job: Job) => {
    readonly sha256: string;
    readonly media: MediaType;
    readonly load: () => Promise<Uint8Array>;
  };
}

export function createInputFiles(store: Store, blobs: BlobStore): InputFiles {
  return {
    of: ({ input }) => {
      const file = input === null ? undefined : store.get('file', input);
      if (file === undefined) throw new Error('the input is not in the state file');
      return { sha256: file.sha256, media: file.media, load: () => blobs.get(file.sha256) };
    },
  };
}
