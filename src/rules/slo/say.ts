import type { Interval } from './special-functions.ts';

/** A share as people read it: `1.25 %`. */
export function percent(share: number): string {
  return `${short(share * 100)} %`;
}

/** An amount of money to the last digit, where a rounded one would look like its limit. */
export function toTheMicro(micros: number): string {
  return `$${micros / 1e6}`;
}

export function dollars(micros: number): string {
  return `$${short(micros / 1e6)}`;
}

export function duration(ms: number): string {
  const [size, unit] = UNITS.find(([least]) => ms >= least) ?? [1, 'ms'];
  return `${short(ms / size)} ${unit}`;
}

const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const;

/** An estimate with its 95 % interval: `1.25 % (0.6 to 2.6 %)`. */
export function estimate(point: number, { low, high }: Interval, unit: (value: number) => string): string {
  return `${unit(point)} (95 % interval ${unit(low)} to ${unit(high)})`;
}

/** Three significant digits, without trailing zeros or exponents. */
export function short(value: number): string {
  return String(Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3)));
}
