import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { Json } from '../contracts/json.ts';
import type { WebhookScheme } from '../contracts/webhook-scheme.ts';
import { parseConfig } from '../definition/index.ts';
import type { ServiceConfig } from '../definition/index.ts';
import { isSecretRef } from '../definition/secret-ref.ts';

/** A configuration as it may be kept: which secrets there are shows, not where they lie. */
export function keepableConfig({ fallback: _none, ...config }: ServiceConfig): Record<string, Json> {
  let count = 0;
  const replaced = (value: unknown): unknown => {
    if (typeof value === 'string') {
      if (!isSecretRef(value)) return value;
      count += 1;
      return `env:PROOF_SECRET_${count}`;
    }
    if (Array.isArray(value)) return value.map(replaced);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, replaced(child)]));
  };
  return replaced(config) as Record<string, Json>;
}

/** The configuration a replay runs under: the recorded one, made for a service on this machine. */
export function replayConfig(
  recorded: Readonly<Record<string, unknown>>,
  {
    service,
    url,
    webhookBeforePolls,
  }: { readonly service: string; readonly url: string; readonly webhookBeforePolls: boolean },
): { readonly config: ServiceConfig; readonly tokenPath: string | undefined; readonly origin: string } {
  // Parsed anew, so that what a configuration may say today has its default.
  const config = parseConfig(JSON.stringify(recorded), { service, source: 'the recorded configuration' });
  const base = new URL(config.service.base_url);
  const { auth } = config;
  const tokenPath = 'token_url' in auth ? new URL(auth.token_url).pathname : undefined;
  const polling = {
    ...config.polling,
    // A recorded webhook that came first comes first again; without one nobody has to wait for it.
    grace_ms: webhookBeforePolls ? Math.max(config.polling.grace_ms, GRACE_MS) : 0,
    initial_ms: 20,
    max_ms: 200,
  };
  return {
    config: {
      ...config,
      polling,
      service: { ...config.service, base_url: `${url}${base.pathname.replace(/\/+$/, '')}` },
      auth: 'token_url' in auth ? { ...auth, token_url: `${url}${tokenPath ?? ''}` } : auth,
    },
    tokenPath,
    origin: base.origin,
  };
}

const GRACE_MS = 60_000;

/** A pair of secrets with which a stand-in signs webhooks and the receiver checks them. */
export interface WebhookSecrets {
  readonly signing: string;
  readonly checking: string;
}

/** Fresh secrets in the form a scheme wants. */
export function webhookSecrets(scheme: WebhookScheme): WebhookSecrets {
  const bytes = randomBytes(32);
  if (scheme.kind === 'standard-webhooks-ed25519') {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const raw = (key: 'd' | 'x'): string => {
      const jwk = (key === 'd' ? privateKey : publicKey).export({ format: 'jwk' });
      return Buffer.from(jwk[key] ?? '', 'base64url').toString('base64');
    };
    return { signing: `whsk_${raw('d')}`, checking: `whpk_${raw('x')}` };
  }
  const encoding = scheme.kind === 'hmac' && scheme.key !== 'base64' ? 'hex' : 'base64';
  const secret = scheme.kind === 'standard-webhooks' ? `whsec_${bytes.toString('base64')}` : bytes.toString(encoding);
  return { signing: secret, checking: secret };
}

/** Values for every secret a kept configuration refers to. */
export function standInSecrets(config: ServiceConfig, webhook: WebhookSecrets | undefined): Record<string, string> {
  const values: Record<string, string> = {};
  const put = (ref: string | undefined, value: () => string): void => {
    if (ref !== undefined && isSecretRef(ref)) values[ref.slice('env:'.length)] = value();
  };
  for (const [name, ref] of Object.entries(config.auth)) {
    if (typeof ref === 'string') put(ref, name === 'private_key' ? privateKeyPem : randomText);
  }
  for (const ref of config.webhook?.secrets ?? []) put(ref, () => webhook?.checking ?? randomText());
  put(config.webhook?.token_secret, randomText);
  return values;
}

function randomText(): string {
  return randomBytes(24).toString('base64url');
}

function privateKeyPem(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}
