import { badUsage } from './bad-usage.ts';

/**
 * Reads dollars such as `$5`, `0.25`.
 * @returns integer micro-dollars
 * @throws PlaybookError BAD_USAGE naming the flag
 */
export function parseDollars(text: string, flag: string, path: readonly string[]): number {
  const match = /^\$?(\d{1,9}(?:\.\d{1,6})?)$/.exec(text);
  if (match !== null) return Math.round(Number(match[1]) * 1_000_000);
  throw badUsage(`--${flag} must be dollars such as $5 or 0.25 (got ${JSON.stringify(text)}).`, path);
}

/**
 * Reads a share such as `10%` or `0.5%`, to a hundredth of a per cent.
 * @returns basis points
 * @throws PlaybookError BAD_USAGE
 */
export function parsePercent(text: string, path: readonly string[]): number {
  const match = /^(\d{1,3}(?:\.\d{1,2})?)%$/.exec(text);
  const bps = Math.round(Number(match?.[1]) * 100);
  if (bps >= 0 && bps <= 10_000) return bps;
  throw badUsage(`A weight must be a share from 0% to 100%, such as 10% or 0.5% (got ${JSON.stringify(text)}).`, path);
}
