import { boundedMap } from './bounded-map.ts';

/** The part of a pino logger the receiver uses. */
export interface ReceiverLogger {
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
  readonly error: (fields: object, message: string) => void;
}

const EVERY_MS = 60_000;
const MAX_LINES = 60;
const MAX_KEYS = 10_000;

/** Warns once per key and minute, and at most 60 times a minute in all; what was left out is counted in the next line. */
export function createQuietLog(logger: ReceiverLogger, now: () => number) {
  const seen = boundedMap<{ saidAtMs: number; suppressed: number }>(MAX_KEYS);
  let minuteAtMs = -Infinity;
  let lines = 0;

  return (key: string, fields: object, message: string): void => {
    const nowMs = now();
    if (nowMs - minuteAtMs >= EVERY_MS) {
      minuteAtMs = nowMs;
      lines = 0;
    }
    const last = seen.get(key);
    if ((last && nowMs - last.saidAtMs < EVERY_MS) || lines >= MAX_LINES) {
      if (last) last.suppressed += 1;
      return;
    }
    lines += 1;
    seen.set(key, { saidAtMs: nowMs, suppressed: 0 });
    logger.warn({ ...fields, suppressed: last?.suppressed ?? 0 }, message);
  };
}
