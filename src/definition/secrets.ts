import { readFile, stat } from 'node:fs/promises';
import { PlaybookError } from '../contracts/errors.ts';
import type { SecretRef } from './config-types.ts';
import { errorCode } from './error-code.ts';
import { isSecretRef, SECRET_REF_FORMS } from './secret-ref.ts';
import { createVault } from './vault.ts';
import type { VaultOptions } from './vault.ts';

/** Turns references into values, at the moment they are needed. */
export interface Secrets {
  /**
   * The current value of a secret.
   * @throws PlaybookError SECRET_UNAVAILABLE naming the reference, never a value.
   */
  readonly resolve: (ref: string) => Promise<string>;
}

export interface SecretsOptions {
  /** Where `env:NAME` looks. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a file as text. @default from the disk */
  readonly readFile?: (path: string) => Promise<string>;
  /** Told every value that was resolved, so that logs can be kept free of it. */
  readonly onResolved?: (value: string) => void;
  /** How `vault:` is reached; the address and token come from `env` (VAULT_ADDR, VAULT_TOKEN or VAULT_TOKEN_FILE). */
  readonly vault?: VaultOptions;
}

interface CachedFile {
  readonly stamp: string;
  readonly value: string;
}

/** Resolves `env:NAME`, `file:/path` (read again when the file changes) and `vault:path#field`. */
export function createSecrets(options: SecretsOptions): Secrets {
  const files = new Map<string, CachedFile>();
  const vault = createVault(options.env, options.vault);
  const { readFile: read = (path) => readFile(path, 'utf8') } = options;

  const readSecretFile = async (path: string): Promise<string> => {
    // Rotation replaces the file (Kubernetes: a symlink to it) or writes it in place: one of these changes each time.
    const { mtimeMs, ctimeMs, ino, size } = await stat(path);
    const stamp = `${mtimeMs}/${ctimeMs}/${ino}/${size}`;
    const cached = files.get(path);
    if (cached?.stamp === stamp) return cached.value;
    const value = (await read(path)).replace(/\r?\n$/, '');
    files.set(path, { stamp, value });
    return value;
  };

  const find = async (ref: SecretRef): Promise<string> => {
    const rest = ref.slice(ref.indexOf(':') + 1);
    if (ref.startsWith('env:')) {
      const value = options.env[rest];
      if (value === undefined) throw unavailable(ref, 'the environment variable is not set');
      return value;
    }
    if (ref.startsWith('file:')) {
      try {
        return await readSecretFile(rest);
      } catch (cause) {
        throw unavailable(ref, `the file cannot be read (${errorCode(cause)})`, cause);
      }
    }
    try {
      return await vault.read(rest);
    } catch (cause) {
      throw unavailable(ref, cause instanceof Error ? cause.message : 'Vault cannot be read', cause);
    }
  };

  return {
    resolve: async (ref) => {
      if (!isSecretRef(ref)) {
        throw new PlaybookError(
          'SECRET_UNAVAILABLE',
          `A reference to a secret must be ${SECRET_REF_FORMS}; what was given is not shown.`,
        );
      }
      const value = await find(ref);
      if (value === '') throw unavailable(ref, 'it is empty');
      options.onResolved?.(value);
      return value;
    },
  };
}

function unavailable(ref: SecretRef, reason: string, cause?: unknown): PlaybookError {
  return new PlaybookError('SECRET_UNAVAILABLE', `The secret ${ref} is not available: ${reason}.`, { cause });
}
