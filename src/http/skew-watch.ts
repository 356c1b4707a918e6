import type { Logger } from 'pino';
import { learnSkew, skewOf, skewWarning } from '../rules/clock-skew.ts';
import type { ClockSample, ClockSkew } from '../rules/clock-skew.ts';
import { parseHttpDate } from '../rules/http-date.ts';
import type { TransportResponse } from './wire.ts';

/** Keeps an eye on one service's clock. */
export interface SkewWatch {
  /** Learns from an answer, and gives the service's own time of it. */
  readonly observe: (answer: TransportResponse) => number;
  /** Learns from anything else that carries the service's time, such as a signed webhook. */
  readonly learn: (sample: ClockSample) => void;
  /** What is known by now; positive: the service's clock is ahead. */
  readonly current: () => { readonly offsetMs: number; readonly uncertaintyMs: number } | undefined;
}

/** How far the clocks may differ before a warning, in milliseconds, where nothing else is said. */
export const DEFAULT_SKEW_TOLERANCE_MS = 60_000;

/** Makes a watch that warns once each time the clocks come to differ by more than the tolerance. */
export function createSkewWatch(toleranceMs: number, logger: Pick<Logger, 'warn'>): SkewWatch {
  let skew: ClockSkew | undefined;
  let warned = false;
  const learn = (sample: ClockSample): void => {
    skew = learnSkew(skew, sample);
    const warning = skewWarning(skew, sample.receivedMs, toleranceMs);
    if (warning !== undefined && !warned) logger.warn({ skew: skewOf(skew) }, warning);
    warned = warning !== undefined;
  };
  return {
    learn,
    observe: ({ headers, writtenMs, headMs }) => {
      const dateMs = parseHttpDate(headers['date'] ?? '', headMs);
      // An answer out of a cache shows when it was made, not what time it is.
      if (dateMs !== undefined && headers['age'] === undefined) {
        learn({ serverMs: dateMs, resolutionMs: 1000, sentMs: writtenMs, receivedMs: headMs });
      }
      return dateMs ?? headMs + (skew === undefined ? 0 : skewOf(skew).offsetMs);
    },
    current: () => (skew === undefined ? undefined : skewOf(skew)),
  };
}
