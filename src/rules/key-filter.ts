/** Bits for each key: one in a hundred keys that are not there seems to be. */
const BITS_PER_KEY = 10;
const HASHES = 7;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/**
 * A Bloom filter over keys, as text of six bits a character: says of a key that it is certainly not there, or that it may be.
 * Burton H. Bloom, "Space/Time Trade-offs in Hash Coding with Allowable Errors" (1970).
 */
export function keyFilter(keys: readonly string[]): string {
  const digits = new Uint8Array(Math.max(1, Math.ceil((keys.length * BITS_PER_KEY) / 6)));
  for (const key of keys) {
    for (const bit of bitsOf(key, digits.length * 6)) {
      const digit = Math.floor(bit / 6);
      digits[digit] = (digits[digit] ?? 0) | (1 << (bit % 6));
    }
  }
  return Array.from(digits, (digit) => ALPHABET[digit]).join('');
}

/** False: the key is not among those the filter was made of. */
export function mayHold(filter: string, key: string): boolean {
  return bitsOf(key, filter.length * 6).every(
    (bit) => (ALPHABET.indexOf(filter[Math.floor(bit / 6)] ?? 'A') & (1 << (bit % 6))) !== 0,
  );
}

/** Two hashes make as many as are wanted: Kirsch and Mitzenmacher, "Less Hashing, Same Performance" (2006). */
function bitsOf(key: string, bits: number): number[] {
  const first = fnv1a(key, 0x81_1c_9d_c5);
  const second = fnv1a(key, 0x9e_37_79_b9) | 1;
  return Array.from({ length: HASHES }, (_, nth) => ((first + nth * second) >>> 0) % bits);
}

/** FNV-1a, 32 bits. */
function fnv1a(text: string, basis: number): number {
  let hash = basis;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01_00_01_93);
  return hash >>> 0;
}
