import { ApiError } from '../api-error.ts';
import { equalSecrets } from './equal-secrets.ts';
import type { Authenticator, Client } from './authenticator.ts';

/** Knows callers by the secret in a header. */
export function createApiKeyAuth(realm: string, header: string, clients: readonly Client[]): Authenticator {
  const challenge = `ApiKey realm="${realm}"`;
  return {
    authenticate: (headers) => {
      const key = headers[header.toLowerCase()];
      const client = typeof key === 'string' ? clients.find(({ secret }) => equalSecrets(secret, key)) : undefined;
      if (client === undefined) {
        throw new ApiError(401, 'UNAUTHENTICATED', `${header} is missing or unknown.`, {
          headers: { 'WWW-Authenticate': challenge },
        });
      }
      return { clientId: client.id, scopes: client.scopes };
    },
    scopeChallenge: (scope) => `${challenge}, error="insufficient_scope", scope="${scope}"`,
  };
}

/** Lets everybody do everything. */
export function createNoAuth(scopes: readonly string[]): Authenticator {
  return { authenticate: () => ({ clientId: 'anonymous', scopes }), scopeChallenge: () => 'None' };
}
