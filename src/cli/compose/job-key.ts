import { createHash } from 'node:crypto';
import { fingerprint } from '../../client/fingerprint.ts';

/** What makes two calls of `playbook run` the same job. */
export interface KeyParts {
  readonly service: string;
  /** The job's input; of files their content counts, not their place. */
  readonly input: unknown;
  readonly unit: string | undefined;
  /** Digest of the configuration given with `--config`. */
  readonly configDigest: string | undefined;
}

/** The key of a job nobody gave one: the same file with the same options always has the same. */
export function derivedKey({ service, input, unit, configDigest }: KeyParts): string {
  const text = JSON.stringify([service, fingerprint(input), unit ?? null, configDigest ?? null]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
