import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import type { ByteBudget } from './byte-budget.ts';
import type { FairSlots } from './fair-slots.ts';
import type { BodyEncoding, BodyProblem, BodyRead } from './plain-http.ts';

export interface BodyLimits {
  readonly budget: ByteBudget;
  readonly slots: FairSlots;
  readonly timeoutMs: number;
}

/** Reads a request's body under every limit at once: its own size, its time, the memory of all bodies, the places of its source. */
export async function readBody(
  request: IncomingMessage,
  source: string,
  { maxBytes, encoding }: { readonly maxBytes: number; readonly encoding: BodyEncoding },
  { budget, slots, timeoutMs }: BodyLimits,
): Promise<BodyRead> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return { ok: false, problem: 'too_large' };
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let settled = false;

    const settle = (read: BodyRead): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      release();
      share.close();
      request.off('data', onData).off('end', onEnd).off('close', onClose);
      resolve(read);
    };
    const fail = (problem: BodyProblem): void => settle({ ok: false, problem });
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > maxBytes) return fail('too_large');
      chunks.push(chunk);
      share.add(chunk.length);
    };
    const onEnd = (): void => {
      const bytes = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size);
      if (encoding === 'identity') return settle({ ok: true, bytes });
      void inflateBody(bytes, encoding, maxBytes).then(settle);
    };
    const onClose = (): void => {
      // After the end, an inflation may still be under way.
      if (!request.readableEnded) fail('aborted');
    };

    const share = budget.open(() => fail('shed'));
    const timer = setTimeout(() => fail('too_slow'), timeoutMs);
    const release = slots.take(source, () => fail('shed'));
    request.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}

const INFLATE = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const;

/** Inflates off the main thread, never beyond `maxBytes`. */
async function inflateBody(
  bytes: Buffer,
  encoding: Exclude<BodyEncoding, 'identity'>,
  maxBytes: number,
): Promise<BodyRead> {
  try {
    return { ok: true, bytes: await INFLATE[encoding](bytes, { maxOutputLength: maxBytes }) };
  } catch (error) {
    const tooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    return { ok: false, problem: tooLarge ? 'too_large' : 'bad_encoding' };
  }
}
