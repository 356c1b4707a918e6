import { lifetimeMs, refreshAfterMs } from './lifetime.ts';

/** What a token endpoint granted. */
export interface Grant {
  readonly accessToken: string;
  /** `expires_in` as it came. */
  readonly expiresIn: unknown;
}

export interface TokenCacheDeps {
  /** Asks the token endpoint once; has its own deadline. */
  readonly request: () => Promise<Grant>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** From 0 (inclusive) to 1. */
  readonly random: () => number;
  /** Told when a refresh failed that nobody is waiting for, because the token at hand is still valid. */
  readonly onBackgroundFailure: (error: unknown) => void;
}

export interface CachedToken {
  readonly accessToken: string;
  /** Identifies this token without being it. */
  readonly credential: string;
  readonly expiresAtMs: number;
  readonly refreshAtMs: number;
  /** True when it replaces a token the service had refused. */
  readonly replacement: boolean;
}

/** Milliseconds a failure is answered from memory, so that a crowd of requests is one more token request, not a thousand. */
const FAILURE_MEMORY_MS = 1000;
/** Milliseconds in which a replacement refused at once is not replaced: a service that refuses every token must not cost a token each time. */
const REPLACEMENT_REST_MS = 30_000;

let issued = 0;

/** Keeps one access token: one request for any number of waiting callers, refreshed early and in the background. */
export class TokenCache {
  readonly #deps: TokenCacheDeps;
  #current: CachedToken | undefined;
  #refresh: Promise<CachedToken> | undefined;
  #failure: { readonly error: unknown; readonly untilMs: number } | undefined;
  #refusedAtMs: number | undefined;

  constructor(deps: TokenCacheDeps) {
    this.#deps = deps;
  }

  /** A token that has not expired. Rejects as the request for one did, or with the signal's reason. */
  async get(signal: AbortSignal): Promise<CachedToken> {
    signal.throwIfAborted();
    const nowMs = this.#deps.now();
    const token = this.#current;
    if (token === undefined || nowMs >= token.expiresAtMs) return unlessAborted(this.#renew(), signal);
    if (nowMs >= token.refreshAtMs && this.#refresh === undefined && !this.#failedLately()) {
      this.#renew().catch(this.#deps.onBackgroundFailure);
    }
    return token;
  }

  /** Drops exactly that token after the service refused it. True when another attempt would use another one. */
  invalidate(credential: string): boolean {
    const token = this.#current;
    if (token?.credential !== credential) return true;
    const nowMs = this.#deps.now();
    if (token.replacement && this.#refusedAtMs !== undefined && nowMs - this.#refusedAtMs < REPLACEMENT_REST_MS) {
      return false;
    }
    this.#current = undefined;
    this.#refusedAtMs = nowMs;
    return true;
  }

  /** The service took exactly that token: should it be refused later, it was revoked, and a new one is worth asking for. */
  confirm(credential: string): void {
    if (this.#current?.credential === credential) this.#refusedAtMs = undefined;
  }

  #failedLately(): boolean {
    return this.#failure !== undefined && this.#deps.now() < this.#failure.untilMs;
  }

  #renew(): Promise<CachedToken> {
    if (this.#refresh !== undefined) return this.#refresh;
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the very error that was remembered
    if (this.#failedLately()) return Promise.reject(this.#failure?.error);
    this.#refresh = this.#request().finally(() => {
      this.#refresh = undefined;
    });
    return this.#refresh;
  }

  async #request(): Promise<CachedToken> {
    const replacement = this.#current === undefined && this.#refusedAtMs !== undefined;
    // The lifetime counts from before the request: the answer's way back is part of it.
    const startedAtMs = this.#deps.now();
    try {
      const grant = await this.#deps.request();
      const lifetime = lifetimeMs(grant.expiresIn);
      issued += 1;
      this.#failure = undefined;
      this.#current = {
        accessToken: grant.accessToken,
        credential: `token ${issued}`,
        expiresAtMs: startedAtMs + lifetime,
        refreshAtMs: startedAtMs + refreshAfterMs(lifetime, this.#deps.random()),
        replacement,
      };
      return this.#current;
    } catch (error) {
      this.#failure = { error, untilMs: this.#deps.now() + FAILURE_MEMORY_MS };
      throw error;
    }
  }
}

/** Waits for a promise others wait for, too: aborting ends this wait only. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- a signal's reason is passed on as it is
      reject(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', stop);
    });
  });
}
