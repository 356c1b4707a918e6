import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { AuthConfig } from '../../definition/config-types.ts';
import type { RequestSigner } from '../../rules/request-signer.ts';
import type { Clock } from '../clock.ts';
import type { Transport } from '../transport.ts';
import type { AuthorizableRequest, Authenticator } from '../types.ts';
import { signHmacSha256 } from './sign-request.ts';
import { TokenCache } from './token-cache.ts';
import { requestToken } from './token-request.ts';
import type { TokenAuth } from './token-request.ts';

export interface AuthenticatorDeps {
  /** Resolves `env:`, `file:` and `vault:` references; see `createSecrets`. */
  readonly resolve: (ref: string) => Promise<string>;
  /** Carries requests to the token endpoint; its deadlines are theirs. */
  readonly transport: Pick<Transport, 'send'>;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn'>;
  /** From 0 (inclusive) to 1. @default Math.random */
  readonly random?: () => number;
  /** For `hmac`. @default signHmacSha256 */
  readonly signer?: RequestSigner;
  /** Tokens by issuer, client, scope and audience, to be shared by the authenticators of one process. @default not shared */
  readonly tokens?: Map<string, TokenCache>;
}

type Headers = Readonly<Record<string, string>>;

/** Makes the authenticator a configuration asks for. Secrets are resolved when used, so that rotation needs no restart. */
export function createAuthenticator(auth: AuthConfig, deps: AuthenticatorDeps): Authenticator {
  const reveal = async (refOrText: string): Promise<string> =>
    /^(?:env|file|vault):/.test(refOrText) ? deps.resolve(refOrText) : refOrText;
  switch (auth.type) {
    case 'none':
      return { authorize: async () => ({ headers: {}, credential: 'none' }), invalidate: () => false };
    case 'oauth_client_credentials':
    case 'jwt_bearer':
      return tokenAuthenticator(auth, reveal, deps);
    case 'api_key':
      return secretAuthenticator(async () => ({ [auth.header]: `${auth.prefix ?? ''}${await reveal(auth.key)}` }));
    case 'bearer':
      return secretAuthenticator(async () => ({ authorization: `Bearer ${await reveal(auth.token)}` }));
    case 'basic':
      return secretAuthenticator(async () => {
        const pair = `${await reveal(auth.username)}:${await reveal(auth.password)}`;
        return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
      });
    case 'hmac':
    default: {
      const { signer = signHmacSha256, clock } = deps;
      return secretAuthenticator(
        async () => ({ secret: await reveal(auth.secret) }),
        (request, { secret = '' }) =>
          signer(request, {
            keyId: auth.key_id,
            secret,
            timestampS: Math.floor(clock.nowMs() / 1000),
            ...(auth.header !== undefined && { header: auth.header }),
          }),
      );
    }
  }
}

/** For a secret that is sent or signed with as it is: a refused one is worth another attempt only if it was rotated meanwhile. */
function secretAuthenticator(
  material: () => Promise<Headers>,
  toHeaders: (request: AuthorizableRequest, material: Headers) => Headers = (_request, headers) => headers,
): Authenticator {
  let latest: string | undefined;
  return {
    authorize: async (request) => {
      const current = await material();
      latest = createHash('sha256').update(JSON.stringify(current)).digest('hex').slice(0, 16);
      return { headers: toHeaders(request, current), credential: latest };
    },
    invalidate: (credential) => credential !== latest,
  };
}

function tokenAuthenticator(
  auth: TokenAuth,
  reveal: (refOrText: string) => Promise<string>,
  deps: AuthenticatorDeps,
): Authenticator {
  const { transport, clock, logger, random = Math.random, tokens = new Map<string, TokenCache>() } = deps;
  const { host } = new URL(auth.token_url);
  const warned = new Set<string>();
  const onExtraScopes = (scopes: readonly string[]): void => {
    const names = scopes.join(' ');
    if (warned.has(names)) return;
    warned.add(names);
    logger.warn(
      { scopes },
      `The token from ${host} has more scopes than auth.scopes declares: ${names}. Grant only what is needed.`,
    );
  };
  const client = auth.type === 'jwt_bearer' ? `${auth.issuer} ${auth.subject ?? ''}` : auth.client_id;
  const key = JSON.stringify([auth.type, auth.token_url, client, auth.scopes, auth.audience ?? '']);
  let cache = tokens.get(key);
  if (cache === undefined) {
    cache = new TokenCache({
      request: () => requestToken(auth, { transport, reveal, nowMs: clock.nowMs, onExtraScopes }),
      now: clock.monotonicMs,
      random,
      onBackgroundFailure: (err) => {
        logger.warn({ err }, `The access token from ${host} was not refreshed; the old one is still valid.`);
      },
    });
    tokens.set(key, cache);
  }
  const token = cache;
  return {
    authorize: async (_request, signal) => {
      const { accessToken, credential } = await token.get(signal);
      return { headers: { authorization: `Bearer ${accessToken}` }, credential };
    },
    invalidate: (credential) => token.invalidate(credential),
    confirm: (credential) => token.confirm(credential),
  };
}
