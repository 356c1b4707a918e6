import type { InputFiles } from './input-files.ts';
import { measureWav } from './wav.ts';
import type { Work } from './work.ts';

/** Measures a job's WAV file. */
export function createAudioWork(files: InputFiles): Work {
  return {
    perform: async (job) => {
      const measured = measureWav(await files.of(job).load());
      if (!measured.ok) return measured;
      const bytes = Buffer.from(JSON.stringify(measured.facts));
      return { ok: true, bytes, contentType: 'application/json', facts: measured.facts, inline: {} };
    },
    inline: () => ({}),
    close: async () => undefined,
  };
}
