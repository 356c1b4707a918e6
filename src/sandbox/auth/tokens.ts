import { createHmac } from 'node:crypto';
import { equalSecrets } from './equal-secrets.ts';
import type { Caller, Client } from './authenticator.ts';

/**
 * Access tokens that need no table: the claims and a MAC under the client's secret, so they outlive a restart.
 * Lifetimes run on the machine's clock, whatever the service's clock says.
 */
export interface Tokens {
  readonly issue: (client: Client, scopes: readonly string[]) => { readonly token: string; readonly lifetimeS: number };
  /** Undefined for a token that is forged, expired or revoked. */
  readonly check: (token: string) => Caller | undefined;
  lifetimeS: number;
  /** Makes every token issued so far worthless. */
  readonly revokeAll: () => void;
}

type Claims = readonly [clientId: string, scopes: string, expiresAtMs: number, generation: number];

const mac = (client: Client, claims: string): string =>
  createHmac('sha256', client.secret).update(`token.${claims}`).digest('base64url');

export function createTokens(clients: readonly Client[], lifetimeS: number, now: () => number): Tokens {
  const byId = new Map(clients.map((client) => [client.id, client]));
  let generation = 0;

  const tokens: Tokens = {
    lifetimeS,
    issue: (client, scopes) => {
      const claims: Claims = [client.id, scopes.join(' '), now() + tokens.lifetimeS * 1_000, generation];
      const encoded = Buffer.from(JSON.stringify(claims)).toString('base64url');
      return { token: `${encoded}.${mac(client, encoded)}`, lifetimeS: tokens.lifetimeS };
    },
    check: (token) => {
      const [encoded = '', signature = ''] = token.split('.');
      const claims = decode(encoded);
      const client = claims === undefined ? undefined : byId.get(claims[0]);
      if (claims === undefined || client === undefined || !equalSecrets(signature, mac(client, encoded)))
        return undefined;
      const [clientId, scopes, expiresAtMs, issuedIn] = claims;
      if (expiresAtMs <= now() || issuedIn !== generation) return undefined;
      return { clientId, scopes: scopes.split(' ').filter((scope) => scope !== '') };
    },
    revokeAll: () => {
      generation += 1;
    },
  };
  return tokens;
}

/** Reads the claims; what they say is believed only once the MAC has been checked. */
function decode(encoded: string): Claims | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'));
    return Array.isArray(claims) ? (claims as unknown as Claims) : undefined;
  } catch {
    return undefined;
  }
}
