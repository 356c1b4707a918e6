import type { WebhookScheme } from '../contracts/webhook-scheme.ts';
import { createVerifier } from './schemes/index.ts';
import type { Verifier } from './schemes/verifier.ts';

/** Current secrets, resolved anew now and then, so that a rotation needs no restart. */
export interface SecretSource {
  /** What the service signs with; several while rotating. */
  readonly secrets: () => Promise<readonly string[]>;
  /** What callback tokens are signed with; several while rotating. */
  readonly tokenSecrets: () => Promise<readonly string[]>;
}

export interface ServiceKeys {
  readonly verifier: Verifier;
  readonly tokenSecrets: readonly string[];
}

/** How old resolved secrets may be: a rotated one works within a second, a flood resolves nothing. */
const MAX_AGE_MS = 1000;

/**
 * A service's keys, parsed once per change. While secrets cannot be resolved, the last good ones stay in use.
 * @returns a function that rejects only if there never were any
 */
export function createServiceKeys(
  scheme: WebhookScheme,
  source: SecretSource,
  now: () => number,
  onStale: (error: unknown) => void,
): () => ServiceKeys | Promise<ServiceKeys> {
  let current: { readonly keys: ServiceKeys; readonly secrets: readonly string[] } | undefined;
  let checkedAtMs = -Infinity;
  let loading: Promise<ServiceKeys> | undefined;

  const load = async (): Promise<ServiceKeys> => {
    const [secrets, tokenSecrets] = await Promise.all([source.secrets(), source.tokenSecrets()]);
    const verifier =
      current && sameTexts(current.secrets, secrets) ? current.keys.verifier : createVerifier(scheme, secrets);
    current = { keys: { verifier, tokenSecrets }, secrets };
    return current.keys;
  };

  const refresh = async (): Promise<ServiceKeys> => {
    try {
      return await load();
    } catch (error) {
      if (!current) throw error;
      onStale(error);
      return current.keys;
    } finally {
      checkedAtMs = now();
      loading = undefined;
    }
  };

  return () => {
    if (current && now() - checkedAtMs < MAX_AGE_MS) return current.keys;
    loading ??= refresh();
    return loading;
  };
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}
