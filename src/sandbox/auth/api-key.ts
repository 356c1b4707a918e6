import { ApiError } from '../api-error.ts';
import { equalSecrets } from './equal-secrets.ts';
import type { Authenticator, Client } from './authenticator.ts';

const HEADER = 'x-api-key';
const challenge = 'ApiKey realm="docproc"';

/** Knows callers by the secret in `X-Api-Key`. */
export function createApiKeyAuth(clients: readonly Client[]): Authenticator {
  return {
    authenticate: (headers) => {
      const key = headers[HEADER];
      const client = typeof key === 'string' ? clients.find(({ secret }) => equalSecrets(secret, key)) : undefined;
      if (client === undefined) {
        throw new ApiError(401, 'UNAUTHENTICATED', 'X-Api-Key is missing or unknown.', {
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
