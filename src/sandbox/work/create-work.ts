import { createExtractor } from '../extraction/extractor.ts';
import type { SandboxConfig } from '../options.ts';
import type { BlobStore } from '../state/blobs.ts';
import type { Store } from '../state/store.ts';
import { createAudioWork } from './audio-work.ts';
import { createInputFiles } from './input-files.ts';
import { createNoWork } from './no-work.ts';
import { createTextWork } from './text-work.ts';
import type { Work } from './work.ts';

/** Creates the work of the service that the options describe. */
export function createWork(
  { shape, processing, logger }: SandboxConfig,
  { store, blobs }: { readonly store: Store; readonly blobs: BlobStore },
): Work {
  const files = createInputFiles(store, blobs);
  const work = shape?.work ?? { kind: 'text' };
  switch (work.kind) {
    case 'audio':
      return createAudioWork(files);
    case 'none':
      return createNoWork(work.fails);
    default:
      return createTextWork(createExtractor({ ...processing, logger }), files);
  }
}
