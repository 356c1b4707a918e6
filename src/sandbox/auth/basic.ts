import { ApiError } from '../api-error.ts';
import type { Authenticator, Client } from './authenticator.ts';
import { equalSecrets } from './equal-secrets.ts';
import { readBasic } from './oauth.ts';

/** Knows callers by HTTP Basic: the client's id and secret. */
export function createBasicAuth(realm: string, clients: readonly Client[]): Authenticator {
  const challenge = `Basic realm="${realm}"`;
  return {
    authenticate: ({ authorization }) => {
      const [id, secret] = readBasic(authorization ?? '') ?? ['', ''];
      const client = clients.find((known) => known.id === id);
      if (client === undefined || !equalSecrets(client.secret, secret)) {
        throw new ApiError(401, 'UNAUTHENTICATED', 'The user name is unknown or the password wrong.', {
          headers: { 'WWW-Authenticate': challenge },
        });
      }
      return { clientId: client.id, scopes: client.scopes };
    },
    scopeChallenge: () => challenge,
  };
}
