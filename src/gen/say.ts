const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
];

/** A span of time in its largest whole unit: `24 h`, `90 s`, `200 ms`. A day stays `24 h`, as people say. */
export function sayMs(ms: number): string {
  const fit = UNITS.find(([unitMs]) => ms >= unitMs * (unitMs === 86_400_000 ? 2 : 1) && ms % unitMs === 0);
  return fit === undefined ? `${ms} ms` : `${ms / fit[0]} ${fit[1]}`;
}

/** Micro-dollars, exactly. */
export function sayMicros(micros: number): string {
  const dollars = (micros / 1e6).toFixed(6).replace(/0{1,4}$/, '');
  return `$${dollars}`;
}

/** A share as per cent, without trailing zeros. */
export function sayShare(share: number): string {
  return `${Number((share * 100).toFixed(4))} %`;
}
