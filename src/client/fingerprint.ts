import { createHash } from 'node:crypto';

/**
 * What tells a repeated start from a reused key: SHA-256, in hex, of the input in canonical form. It is taken as the JSON the job
 * stores, with sorted keys; where a `sha256` pins a file's content, its `uri` does not count, so that a moved file is still the
 * same input.
 */
export function fingerprint(input: unknown): string {
  const stored: unknown = JSON.parse(JSON.stringify(input));
  return createHash('sha256').update(canonical(stored)).digest('hex');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([key]) => !(key === 'uri' && 'sha256' in value));
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
}
