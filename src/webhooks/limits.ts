import { PlaybookError } from '../contracts/errors.ts';

/** What one receiver bears. Sizes in bytes, times in milliseconds. */
export interface ReceiverLimits {
  /** Largest body, inflated. @default 1 MiB (the Standard Webhooks specification advises senders to stay below 20 kB) */
  readonly maxBodyBytes: number;
  /** All headers together. @default 16 KiB */
  readonly maxHeaderBytes: number;
  /** Header lines. @default 100 */
  readonly maxHeaders: number;
  /** From the first header byte to the last. @default 10 s */
  readonly headersTimeoutMs: number;
  /** From the end of the headers to the end of the body. @default 10 s */
  readonly bodyTimeoutMs: number;
  /** Bodies being read, all together; over it the largest unfinished one is cut off. @default 64 MiB */
  readonly maxBufferedBytes: number;
  /** Open connections; over it the oldest of the source that holds most is cut off. @default 4096 */
  readonly maxConnections: number;
  /** Bodies being read at once. @default 1024 */
  readonly maxBodies: number;
  /** The same, of one source; over it its oldest is cut off. @default 256 */
  readonly maxBodiesPerSource: number;
  /** Bad signatures of one source, forgotten at one a second, that make it suspect. @default 60 */
  readonly suspectAfter: number;
  /** Largest body taken of a suspect source: still an honest webhook, no longer a load. @default 64 KiB */
  readonly suspectMaxBodyBytes: number;
  /** Verified webhooks waiting for Temporal at once. @default 1024 */
  readonly maxHandOvers: number;
}

export const DEFAULT_LIMITS: ReceiverLimits = {
  maxBodyBytes: 1024 * 1024,
  maxHeaderBytes: 16 * 1024,
  maxHeaders: 100,
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 10_000,
  maxBufferedBytes: 64 * 1024 * 1024,
  maxConnections: 4096,
  maxBodies: 1024,
  maxBodiesPerSource: 256,
  suspectAfter: 60,
  suspectMaxBodyBytes: 64 * 1024,
  maxHandOvers: 1024,
};

/** @throws PlaybookError CONFIG_INVALID naming every limit that is not a positive whole number. */
export function completeLimits(given: Partial<ReceiverLimits> = {}): ReceiverLimits {
  const limits = { ...DEFAULT_LIMITS, ...given };
  const problems = Object.entries(limits)
    .filter(([, value]) => !Number.isSafeInteger(value) || value < 1)
    .map(([name, value]) => `limits.${name} must be a whole number >= 1 (got ${value})`);
  if (problems.length > 0) throw new PlaybookError('CONFIG_INVALID', `${problems.join('; ')}.`);
  return limits;
}
