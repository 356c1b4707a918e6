import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import type { PlaybookClient } from '../../src/client/index.ts';
import { PlaybookError } from '../../src/contracts/errors.ts';
import type { Prng } from '../../src/sandbox/prng.ts';

/** One job as it was asked for. */
export interface Asked {
  readonly key: string;
  /** The document's text; `null` for a PDF the service accepts and cannot read. */
  readonly text: string | null;
  /** Its caller asked for its cancellation. */
  readonly canceled: boolean;
}

/** One job in this many is a broken PDF; one in that many is canceled by its caller. */
const BROKEN_EVERY = 8;
const CANCELED_EVERY = 23;

export interface LoadOptions {
  readonly playbook: PlaybookClient;
  readonly folder: string;
  readonly jobs: number;
  readonly durationMs: number;
  readonly prng: Prng;
  readonly signal: AbortSignal;
}

/**
 * Starts jobs at a steady pace, as a careful caller does: with the same key again until it is told that the job is accepted.
 * @returns once every job was accepted
 */
export async function startLoad(options: LoadOptions): Promise<{
  /** All jobs, in order; complete once `accepted` has resolved. */
  readonly asked: readonly Asked[];
  readonly accepted: Promise<void>;
}> {
  const { playbook, jobs, durationMs, prng } = options;
  const folder = join(options.folder, 'documents');
  await mkdir(folder, { recursive: true });
  const asked: Asked[] = [];
  const all = Array.from({ length: jobs }, async (_, index) => {
    const key = `chaos-${index}`;
    const isBroken = index % BROKEN_EVERY === BROKEN_EVERY - 1;
    const text = `Document ${index} of a bad day.`;
    const content = isBroken ? `%PDF-1.7 ${index} and nothing more` : text;
    const path = join(folder, `${index}.${isBroken ? 'pdf' : 'txt'}`);
    const cancelAfterMs = index % CANCELED_EVERY === CANCELED_EVERY - 1 ? Math.floor(prng() * 4_000) : undefined;
    await writeFile(path, content);
    const document = {
      uri: pathToFileURL(path).href,
      sha256: createHash('sha256').update(content).digest('hex'),
      bytes: Buffer.byteLength(content),
      contentType: isBroken ? ('application/pdf' as const) : ('text/plain' as const),
    };
    await sleep((index * durationMs) / jobs, undefined, { signal: options.signal });
    asked.push({ key, text: isBroken ? null : text, canceled: cancelAfterMs !== undefined });
    const input = { document, options: { format: 'text' as const } };
    const job = await insist(options.signal, () => playbook.start(docproc, input, { key, unit: `unit-${index % 7}` }));
    if (cancelAfterMs === undefined) return;
    await sleep(cancelAfterMs, undefined, { signal: options.signal });
    await insist(options.signal, () => job.cancel());
  });
  const accepted = Promise.all(all).then(() => undefined);
  accepted.catch(() => undefined);
  return { asked, accepted };
}

const AWAY: ReadonlySet<string> = new Set(['TEMPORAL_UNREACHABLE', 'SETUP_MISSING']);

/**
 * Repeats what failed because Temporal was away, or has just come back and does not know its namespaces yet; anything else is an error
 * of the run.
 */
async function insist<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof PlaybookError) || !AWAY.has(error.code)) throw error;
      await sleep(500, undefined, { signal });
    }
  }
}
