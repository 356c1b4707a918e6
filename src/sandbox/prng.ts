/** A source of numbers in [0, 1) that repeats for the same seed. */
export type Prng = () => number;

/** Creates a mulberry32 generator (public domain, Tommy Ettinger): small, fast, good enough to choose whom a fault hits. */
export function createPrng(seed: number): Prng {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
