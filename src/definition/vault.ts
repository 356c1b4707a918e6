import { readFile } from 'node:fs/promises';

export interface VaultOptions {
  /** Milliseconds a value is kept before Vault is asked again. @default 60000 */
  readonly ttlMs?: number;
  /** Milliseconds one request to Vault may take. @default 5000 */
  readonly timeoutMs?: number;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

/** Reads fields of secrets in HashiCorp Vault's KV engine, version 2. */
export interface Vault {
  /** `secret/services/docproc#api_key`: mount, path and field. Throws an Error whose message holds nothing secret. */
  readonly read: (reference: string) => Promise<string>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** KV v2 puts `data` between the mount and the path; people write references without it, as `vault kv get` does. */
function secretUrl(address: string, path: string): URL {
  const [mount = '', ...rest] = path.split('/').filter((part) => part !== '');
  const below = rest[0] === 'data' ? rest.slice(1) : rest;
  const encoded = [mount, 'data', ...below].map(encodeURIComponent).join('/');
  return new URL(`${address.replace(/\/+$/, '')}/v1/${encoded}`);
}

async function token(env: Environment): Promise<string> {
  if (env['VAULT_TOKEN'] !== undefined && env['VAULT_TOKEN'] !== '') return env['VAULT_TOKEN'];
  const file = env['VAULT_TOKEN_FILE'];
  if (file === undefined || file === '') throw new Error('neither VAULT_TOKEN nor VAULT_TOKEN_FILE is set');
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new Error('the file VAULT_TOKEN_FILE names cannot be read', { cause });
  }
}

function field(body: unknown, name: string): string | undefined {
  let value: unknown = body;
  for (const key of ['data', 'data', name]) {
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
  }
  return typeof value === 'string' ? value : undefined;
}

/** Connects to the Vault that VAULT_ADDR names (VAULT_NAMESPACE is honoured), asking only when a value is needed and not fresh. */
export function createVault(env: Environment, options: VaultOptions = {}): Vault {
  const { ttlMs = 60_000, timeoutMs = 5000, now = () => performance.now() } = options;
  const cache = new Map<string, { readonly atMs: number; readonly body: Promise<unknown> }>();

  const ask = async (path: string): Promise<unknown> => {
    const address = env['VAULT_ADDR'];
    if (address === undefined || !URL.canParse(address)) throw new Error('VAULT_ADDR is not set to a URL');
    const namespace = env['VAULT_NAMESPACE'];
    const headers = {
      'x-vault-token': await token(env),
      'x-vault-request': 'true',
      ...(namespace && { 'x-vault-namespace': namespace }),
    };
    let response: Response;
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      response = await fetch(secretUrl(address, path), { headers, redirect: 'error', signal });
      if (response.ok) return await response.json();
    } catch (cause) {
      throw new Error('Vault did not answer as expected', { cause });
    }
    await response.body?.cancel();
    const why = response.status === 403 ? ': its token may not read this path' : '';
    throw new Error(`Vault answered ${response.status}${why}`);
  };

  return {
    read: async (reference) => {
      const hash = reference.lastIndexOf('#');
      const path = reference.slice(0, hash);
      const known = cache.get(path);
      const entry = known !== undefined && now() - known.atMs < ttlMs ? known : { atMs: now(), body: ask(path) };
      cache.set(path, entry);
      let body: unknown;
      try {
        body = await entry.body;
      } catch (error) {
        if (cache.get(path) === entry) cache.delete(path);
        throw error;
      }
      const value = field(body, reference.slice(hash + 1));
      if (value === undefined) throw new Error('the path has no such field holding text');
      return value;
    },
  };
}
