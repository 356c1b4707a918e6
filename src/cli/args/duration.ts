import { badUsage } from './bad-usage.ts';

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads a duration such as `30s`, `1.5m`, `500ms`; a bare number is seconds.
 * @returns milliseconds
 * @throws PlaybookError BAD_USAGE naming the flag
 */
export function parseDuration(text: string, flag: string, path: readonly string[]): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text);
  const unitMs = UNITS_MS[match?.[2] ?? 's'];
  const ms = Math.round(Number(match?.[1]) * (unitMs ?? Number.NaN));
  // Longer ones do not fit Node's timers.
  if (Number.isSafeInteger(ms) && ms <= 2_147_483_647) return ms;
  throw badUsage(
    `--${flag} must be a duration such as 30s, 5m or 500ms, at most 24d (got ${JSON.stringify(text)}).`,
    path,
  );
}

/** Reads a whole number between bounds. @throws PlaybookError BAD_USAGE naming the flag */
export function parseWhole(
  text: string,
  flag: string,
  { min, max }: { readonly min: number; readonly max: number },
  path: readonly string[],
): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw badUsage(`--${flag} must be a whole number from ${min} to ${max} (got ${JSON.stringify(text)}).`, path);
}
