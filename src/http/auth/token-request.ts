import * as oauth from 'oauth4webapi';
import { z } from 'zod';
import type { AuthConfig } from '../../definition/config-types.ts';
import { signAssertion } from './assertion.ts';
import { TransportError } from '../transport-error.ts';
import type { Transport } from '../transport.ts';
import type { TransportResponse } from '../wire.ts';
import type { Grant } from './token-cache.ts';
import { noAnswer, parseJson, refusal, tokenFailure } from './token-failure.ts';

/** The ways of authentication that ask a token endpoint. */
export type TokenAuth = Extract<AuthConfig, { readonly token_url: string }>;

export interface TokenRequestDeps {
  /** Bounds the request in time and bytes; no caller's cancellation ends it, because others wait for the same token. */
  readonly transport: Pick<Transport, 'send'>;
  /** The value of a reference, or the text itself where it is none. */
  readonly reveal: (refOrText: string) => Promise<string>;
  /** Epoch milliseconds, for assertions. */
  readonly nowMs: () => number;
  readonly onExtraScopes: (scopes: readonly string[]) => void;
}

const tokenBody = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  token_type: z.string().regex(/^bearer$/i),
  expires_in: z.unknown().optional(),
  scope: z.string().optional(),
});
const JWT_BEARER_GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const JWT_BEARER_CLIENT = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/**
 * Asks a token endpoint for an access token.
 * @throws RequestFailed AUTH_FAILED or SCOPE_MISSING (final), SERVICE_UNAVAILABLE or SERVICE_TIMEOUT (asked again).
 */
export async function requestToken(auth: TokenAuth, deps: TokenRequestDeps): Promise<Grant> {
  const { host, protocol } = new URL(auth.token_url);
  const server = { issuer: auth.token_url, token_endpoint: auth.token_url };
  const parameters = new URLSearchParams({
    ...(auth.scopes.length > 0 && { scope: auth.scopes.join(' ') }),
    ...(auth.audience !== undefined && auth.type === 'oauth_client_credentials' && { audience: auth.audience }),
  });
  const { clientId, authentication, grant } = await prepare(auth, parameters, deps);
  const answer = await send(deps.transport, host, (fetch) =>
    oauth.genericTokenEndpointRequest(server, { client_id: clientId }, authentication, grant, parameters, {
      [oauth.customFetch]: fetch,
      // The configuration admits http to this machine only.
      [oauth.allowInsecureRequests]: protocol === 'http:',
    }),
  );
  if (answer.status !== 200) throw refusal(host, answer, auth.scopes);
  return readGrant(auth, host, answer.bytes, deps);
}

type TokenFetch = (
  url: string,
  init: { readonly headers: Record<string, string>; readonly body: URLSearchParams },
) => Promise<Response>;

/** Lets oauth4webapi write the request and our transport carry it. */
async function send(
  transport: Pick<Transport, 'send'>,
  host: string,
  request: (fetch: TokenFetch) => Promise<Response>,
): Promise<TransportResponse> {
  let answer: TransportResponse | undefined;
  const fetch: TokenFetch = async (url, { headers, body }) => {
    answer = await transport.send(
      {
        method: 'POST',
        url: new URL(url),
        headers: { ...headers, 'accept-encoding': 'identity' },
        body: Buffer.from(body.toString()),
      },
      new AbortController().signal,
    );
    return new Response();
  };
  try {
    await request(fetch);
  } catch (error) {
    throw error instanceof TransportError ? noAnswer(host, error) : error;
  }
  if (answer === undefined) throw new Error('oauth4webapi sent no token request');
  return answer;
}

interface Prepared {
  readonly clientId: string;
  readonly authentication: oauth.ClientAuth;
  readonly grant: string;
}

async function prepare(auth: TokenAuth, parameters: URLSearchParams, deps: TokenRequestDeps): Promise<Prepared> {
  const reveal = (ref: string | undefined): Promise<string> => deps.reveal(ref ?? '');
  if (auth.type === 'jwt_bearer') {
    const claims = {
      issuer: auth.issuer,
      subject: auth.subject ?? auth.issuer,
      audience: auth.audience ?? auth.token_url,
    };
    const assertion = signAssertion(await reveal(auth.private_key), auth.key_id, claims, deps.nowMs());
    parameters.set('assertion', assertion);
    return { clientId: auth.issuer, authentication: () => {}, grant: JWT_BEARER_GRANT };
  }
  const clientId = await reveal(auth.client_id);
  return {
    clientId,
    authentication: await clientAuthentication(auth, clientId, reveal, deps),
    grant: 'client_credentials',
  };
}

async function clientAuthentication(
  auth: Extract<TokenAuth, { readonly type: 'oauth_client_credentials' }>,
  clientId: string,
  reveal: (ref: string | undefined) => Promise<string>,
  deps: TokenRequestDeps,
): Promise<oauth.ClientAuth> {
  switch (auth.client_auth) {
    case 'private_key_jwt': {
      const claims = { issuer: clientId, subject: clientId, audience: auth.assertion_audience ?? auth.token_url };
      const assertion = signAssertion(await reveal(auth.private_key), auth.key_id, claims, deps.nowMs());
      return (_server, _client, body) => {
        body.set('client_id', clientId);
        body.set('client_assertion_type', JWT_BEARER_CLIENT);
        body.set('client_assertion', assertion);
      };
    }
    case 'client_secret_post':
      return oauth.ClientSecretPost(await reveal(auth.client_secret));
    default:
      return oauth.ClientSecretBasic(await reveal(auth.client_secret));
  }
}

function readGrant(auth: TokenAuth, host: string, bytes: Uint8Array, deps: TokenRequestDeps): Grant {
  const parsed = tokenBody.safeParse(parseJson(bytes));
  if (!parsed.success) {
    const fields = parsed.error.issues.map((issue) => issue.path.join('.') || 'the body').join(', ');
    throw tokenFailure({
      code: 'CONTRACT_VIOLATION',
      retryable: false,
      message: `The token endpoint ${host} answered 200 without a usable bearer token: see ${fields}.`,
    });
  }
  // Without a scope the grant is what was asked for: RFC 6749, section 5.1.
  const granted = parsed.data.scope?.split(' ').filter((scope) => scope !== '') ?? auth.scopes;
  const missing = auth.scopes.filter((scope) => !granted.includes(scope));
  if (missing.length > 0) {
    throw tokenFailure({
      code: 'SCOPE_MISSING',
      retryable: false,
      message: `The token from ${host} lacks scope ${missing.join(' ')}. Have it granted to this client.`,
    });
  }
  const extra = granted.filter((scope) => !auth.scopes.includes(scope));
  if (extra.length > 0) deps.onExtraScopes(extra);
  return { accessToken: parsed.data.access_token, expiresIn: parsed.data.expires_in };
}
