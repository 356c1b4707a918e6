import { murmur3, utf8 } from './bucketing.ts';

/** Longest fairness key Temporal takes, in bytes: with a longer one the workflow task would fail. */
const MAX_BYTES = 64;

/** What Temporal tells units apart by on a task queue: the unit itself, or a hash of one that is too long for that. */
export function fairnessKey(unit: string): string {
  const bytes = utf8(unit);
  return bytes.length <= MAX_BYTES ? unit : `#${murmur3(bytes).toString(16)}`;
}
