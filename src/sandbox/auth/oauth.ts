import type { IncomingHttpHeaders } from 'node:http';
import { ApiError } from '../api-error.ts';
import type { Answer } from '../http/exchange.ts';
import { equalSecrets } from './equal-secrets.ts';
import type { Authenticator, Client } from './authenticator.ts';
import type { Tokens } from './tokens.ts';

const bearer = (realm: string, error: string, description: string): Record<string, string> => ({
  'WWW-Authenticate': `Bearer realm="${realm}", error="${error}", error_description="${description}"`,
});

/** Knows callers by a bearer token (RFC 6750). */
export function createBearerAuth(realm: string, check: Tokens['check']): Authenticator {
  return {
    authenticate: ({ authorization }) => {
      if (authorization === undefined) {
        throw new ApiError(401, 'UNAUTHENTICATED', 'A bearer token is required: get one from POST /oauth/token.', {
          headers: { 'WWW-Authenticate': `Bearer realm="${realm}"` },
        });
      }
      const token = /^Bearer ([\w.~+/-]+=*)$/i.exec(authorization)?.[1];
      const caller = token === undefined ? undefined : check(token);
      if (caller === undefined) {
        throw new ApiError(401, 'UNAUTHENTICATED', 'The token is invalid, expired or revoked: get a new one.', {
          headers: bearer(realm, 'invalid_token', 'The token is invalid, expired or revoked'),
        });
      }
      return caller;
    },
    scopeChallenge: (scope) => `Bearer realm="${realm}", error="insufficient_scope", scope="${scope}"`,
  };
}

const noStore = { 'Cache-Control': 'no-store', Pragma: 'no-cache' };

const refuse = (status: 400 | 401, error: string, description: string, headers = {}): Answer => ({
  status,
  headers: { ...noStore, ...headers },
  body: { error, error_description: description },
});

const formDecode = (text: string): string => new URLSearchParams(`v=${text.replaceAll('&', '%26')}`).get('v') ?? '';

/** Reads HTTP Basic credentials, form-decoded as RFC 6749 section 2.3.1 wants; undefined when malformed. */
export function readBasic(authorization: string): readonly [id: string, secret: string] | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/]+=*)$/i.exec(authorization)?.[1];
  if (encoded === undefined) return undefined;
  const [id, secret, ...rest] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  if (id === undefined || secret === undefined || rest.length > 0) return undefined;
  return [formDecode(id), formDecode(secret)];
}

/** The token endpoint of RFC 6749: client credentials only, by Basic or by form fields. */
export function createTokenEndpoint(
  realm: string,
  clients: readonly Client[],
  tokens: Tokens,
): (headers: IncomingHttpHeaders, body: string) => Answer {
  return (headers, body) => {
    const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
    if (type !== 'application/x-www-form-urlencoded') {
      return refuse(400, 'invalid_request', 'Content-Type must be application/x-www-form-urlencoded');
    }
    const form = new URLSearchParams(body);
    const repeated = [...form.keys()].find((name) => form.getAll(name).length > 1);
    if (repeated !== undefined) return refuse(400, 'invalid_request', `${repeated} is given more than once`);

    const { authorization } = headers;
    if (authorization !== undefined && form.has('client_secret')) {
      return refuse(400, 'invalid_request', 'Use one way to authenticate, not two');
    }
    const [id, secret] =
      authorization === undefined
        ? [form.get('client_id') ?? '', form.get('client_secret') ?? '']
        : (readBasic(authorization) ?? ['', '']);
    const client = clients.find((known) => known.id === id);
    if (client === undefined || !equalSecrets(client.secret, secret)) {
      return refuse(401, 'invalid_client', 'The client is unknown or its secret is wrong', {
        'WWW-Authenticate': `Basic realm="${realm}"`,
      });
    }

    const grant = form.get('grant_type');
    if (grant === null) return refuse(400, 'invalid_request', 'grant_type is missing');
    if (grant !== 'client_credentials') {
      return refuse(400, 'unsupported_grant_type', 'grant_type must be client_credentials');
    }
    const asked = (form.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
    const excess = asked.find((scope) => !client.scopes.includes(scope));
    if (excess !== undefined) return refuse(400, 'invalid_scope', 'A scope asked for is not granted to this client');

    const granted = asked.length > 0 ? asked : client.scopes;
    const { token, lifetimeS } = tokens.issue(client, granted);
    return {
      status: 200,
      headers: noStore,
      body: { access_token: token, token_type: 'Bearer', expires_in: lifetimeS, scope: granted.join(' ') },
    };
  };
}
