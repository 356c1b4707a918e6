import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/** Makes an id such as `job_4f0k…`: the prefix and 22 random letters and digits (about 113 bits, no dot). */
export function newId(prefix: string): string {
  let id = `${prefix}_`;
  for (const byte of randomBytes(22)) id += ALPHABET.charAt(byte % ALPHABET.length);
  return id;
}
