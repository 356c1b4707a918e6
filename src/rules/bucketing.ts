/** Buckets a rollout divides its units into: one basis point each. */
export const BUCKETS = 10_000;

/**
 * The bucket of a unit, from 0 to 9,999: pinned by golden vectors, because another function would move everyone.
 * Monotone: a unit admitted at one weight is admitted at every higher one.
 *
 * @param salt fixed for a rollout, retries included
 */
export function bucketOf(salt: string, service: string, unit: string): number {
  return Math.floor((murmur3(utf8(`${salt}:${service}:${unit}`)) * BUCKETS) / 2 ** 32);
}

/** MurmurHash3_x86_32 (Austin Appleby, public domain) with seed 0, as an unsigned 32-bit integer. */
export function murmur3(bytes: readonly number[]): number {
  const at = (index: number) => bytes[index] ?? 0;
  const whole = bytes.length - (bytes.length % 4);
  let hash = 0;
  for (let i = 0; i < whole; i += 4) {
    hash ^= scramble(at(i) | (at(i + 1) << 8) | (at(i + 2) << 16) | (at(i + 3) << 24));
    hash = Math.imul(rotateLeft(hash, 13), 5) + 0xe6546b64;
  }
  // Bytes past the end read as 0, and a tail of zeros scrambles to 0.
  hash ^= scramble(at(whole) | (at(whole + 1) << 8) | (at(whole + 2) << 16));
  hash ^= bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function scramble(block: number): number {
  return Math.imul(rotateLeft(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593);
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** The bytes of a text. By hand, since workflow code has neither `Buffer` nor a promise of `TextEncoder`. Lone surrogates become U+FFFD. */
export function utf8(text: string): number[] {
  return Array.from(text).flatMap((character) => {
    const point = character.codePointAt(0) ?? 0;
    const code = point >= 0xd800 && point <= 0xdfff ? 0xfffd : point;
    const tail = (shift: number) => 0x80 | ((code >> shift) & 0x3f);
    if (code < 0x80) return [code];
    if (code < 0x800) return [0xc0 | (code >> 6), tail(0)];
    if (code < 0x10000) return [0xe0 | (code >> 12), tail(6), tail(0)];
    return [0xf0 | (code >> 18), tail(12), tail(6), tail(0)];
  });
}
