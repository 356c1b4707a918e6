export type TimestampUnit = 's' | 'ms';

/**
 * Reads a signed timestamp as epoch milliseconds. Exactly 10 digits of seconds (13 of milliseconds), which is every
 * moment from 2001 to 2286: no sign, exponent, fraction, padding or junk. The fixed length also keeps a template
 * such as `{timestamp}{body}` unambiguous.
 */
export function parseTimestamp(text: string, unit: TimestampUnit = 's'): number | undefined {
  if (unit === 'ms') return /^[1-9]\d{12}$/.test(text) ? Number(text) : undefined;
  return /^[1-9]\d{9}$/.test(text) ? Number(text) * 1000 : undefined;
}

/** The same, written: what a sender of this scheme would put into the header. */
export function formatTimestamp(timestampMs: number, unit: TimestampUnit = 's'): string {
  return String(unit === 'ms' ? timestampMs : Math.floor(timestampMs / 1000));
}
