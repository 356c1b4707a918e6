import type { IncomingHttpHeaders } from 'node:http';

/** A registered caller. */
export interface Client {
  readonly id: string;
  readonly secret: string;
  readonly scopes: readonly string[];
}

/** Who is calling and what they may do this time. */
export interface Caller {
  readonly clientId: string;
  readonly scopes: readonly string[];
}

/** Finds out who is calling. */
export interface Authenticator {
  /** @throws ApiError 401 */
  readonly authenticate: (headers: IncomingHttpHeaders) => Caller;
  /** The `WWW-Authenticate` value of a 403. */
  readonly scopeChallenge: (scope: string) => string;
}
