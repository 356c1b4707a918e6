import type { SandboxLogger } from '../logger.ts';
import { decodeText } from './document.ts';
import type { Extraction, MediaType } from './document.ts';
import { createThreadPool } from './thread-pool.ts';

export interface ExtractorOptions {
  readonly threads: number;
  readonly timeoutMs: number;
  readonly logger: SandboxLogger;
  /** The thread's script. @default the one beside this file, compiled or not */
  readonly script?: URL;
}

/** Reads documents, each content once. */
export interface Extractor {
  readonly extract: (sha256: string, media: MediaType, load: () => Promise<Uint8Array>) => Promise<Extraction>;
  readonly close: () => Promise<void>;
}

const REMEMBERED = 64;
const REMEMBERED_CHARACTERS = 100_000;

const defaultScript = new URL(
  import.meta.url.endsWith('.ts') ? './extract-thread.ts' : './extract-thread.js',
  import.meta.url,
);

/** Only what would come out the same again is remembered, and only while small. */
const isRepeatable = (extraction: Extraction): boolean =>
  extraction.ok
    ? extraction.pages.reduce((sum, page) => sum + page.length, 0) <= REMEMBERED_CHARACTERS
    : extraction.code !== 'EXTRACTION_TIMEOUT' && extraction.code !== 'EXTRACTION_CRASHED';

/** Creates an extractor. The last few small results are kept by content, so the same file is not read again and again. */
export function createExtractor(options: ExtractorOptions): Extractor {
  const pool = createThreadPool({ ...options, script: options.script ?? defaultScript });
  const remembered = new Map<string, Promise<Extraction>>();

  const read = async (media: MediaType, load: () => Promise<Uint8Array>): Promise<Extraction> => {
    const bytes = await load();
    if (bytes.byteLength === 0) return { ok: false, code: 'EMPTY_FILE', message: 'The file is empty.' };
    return media.type === 'application/pdf' ? pool.run(new Uint8Array(bytes)) : decodeText(bytes, media.charset);
  };

  return {
    extract: async (sha256, media, load) => {
      const key = `${sha256} ${media.type} ${media.charset}`;
      const known = remembered.get(key);
      if (known !== undefined) return known;
      const reading = read(media, load);
      remembered.set(key, reading);
      const oldest = remembered.size > REMEMBERED ? remembered.keys().next().value : undefined;
      if (oldest !== undefined) remembered.delete(oldest);
      try {
        const extraction = await reading;
        if (!isRepeatable(extraction)) remembered.delete(key);
        return extraction;
      } catch (error) {
        remembered.delete(key);
        throw error;
      }
    },
    close: pool.close,
  };
}
