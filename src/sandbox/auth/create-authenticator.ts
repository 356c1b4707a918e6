import { sandboxScopes } from '../shape/scopes.ts';
import type { Shape } from '../shape/shape.ts';
import { createApiKeyAuth, createNoAuth } from './api-key.ts';
import type { Authenticator, Client } from './authenticator.ts';
import { createBasicAuth } from './basic.ts';
import { equalSecrets } from './equal-secrets.ts';
import { createBearerAuth } from './oauth.ts';
import type { Tokens } from './tokens.ts';

/** Creates what finds out who is calling, as the shape says. */
export function createAuthenticator(
  { auth, realm }: Pick<Shape, 'auth' | 'realm'>,
  clients: readonly Client[],
  tokens: Tokens,
): Authenticator {
  switch (auth.kind) {
    case 'oauth':
      return createBearerAuth(realm, tokens.check);
    case 'bearer':
      return createBearerAuth(realm, (token) => {
        const client = clients.find(({ secret }) => equalSecrets(secret, token));
        return client === undefined ? undefined : { clientId: client.id, scopes: client.scopes };
      });
    case 'api-key':
      return createApiKeyAuth(realm, auth.header, clients);
    case 'basic':
      return createBasicAuth(realm, clients);
    default:
      return createNoAuth(sandboxScopes);
  }
}
