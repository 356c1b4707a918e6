import { createHash } from 'node:crypto';
import type { JobRef } from '../contracts/ids.ts';

/**
 * The key a service sees on every attempt of one generation: SHA-256, in hex, of environment, service, key and generation.
 * The input is not part of it, so that the service's own check of a reused key works.
 */
export function idempotencyKey(environment: string, job: JobRef): string {
  const seed = JSON.stringify([environment, job.service, job.key, job.generation]);
  return createHash('sha256').update(seed).digest('hex');
}
