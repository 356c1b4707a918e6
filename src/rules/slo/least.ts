/** The least whole number above `low` for which something holds that holds for all greater ones; `Infinity` when for none. */
export function leastAbove(low: number, holds: (n: number) => boolean): number {
  let [below, high] = [low, low + 1];
  while (!holds(high)) {
    [below, high] = [high, high * 2];
    if (high > Number.MAX_SAFE_INTEGER) return Infinity;
  }
  while (high - below > 1) {
    const middle = Math.floor((below + high) / 2);
    if (holds(middle)) high = middle;
    else below = middle;
  }
  return high;
}
