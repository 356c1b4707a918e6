import type { Extractor } from '../extraction/extractor.ts';
import { renderResult } from '../extraction/render-result.ts';
import { inlineText } from '../shape/inline-text.ts';
import type { InputFiles } from './input-files.ts';
import type { Work } from './work.ts';

/** Reads the text of a job's file. */
export function createTextWork(extractor: Extractor, files: InputFiles): Work {
  return {
    perform: async (job) => {
      const file = files.of(job);
      const extraction = await extractor.extract(file.sha256, file.media, file.load);
      if (!extraction.ok) return extraction;
      const { bytes, contentType, characters } = renderResult(extraction.pages, job.format);
      const facts = { pages: extraction.pages.length, characters };
      return { ok: true, bytes, contentType, facts, inline: inlineText(job.format, bytes) };
    },
    inline: inlineText,
    close: extractor.close,
  };
}
