import * as http from 'node:http';
import * as https from 'node:https';

/** How an endpoint answered, or null when it did not. */
type PostOutcome = { readonly status: number; readonly retryAfterMs: number } | null;

const MAX_RETRY_AFTER_MS = 86_400_000;

/** Reads `Retry-After` as seconds or as a date; 0 when absent or malformed, never more than a day. */
export function parseRetryAfter(value: string | undefined, nowMs: number): number {
  if (value === undefined) return 0;
  const waitMs = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - nowMs;
  return Number.isFinite(waitMs) ? Math.min(Math.max(0, waitMs), MAX_RETRY_AFTER_MS) : 0;
}

/** Sends webhooks over kept-alive connections. Follows no redirect. */
export interface WebhookPoster {
  readonly post: (url: string, headers: Record<string, string>, body: string) => Promise<PostOutcome>;
  readonly close: () => void;
}

/** Creates a poster. `timeoutMs` bounds the whole exchange, a dripping answer included. */
export function createPoster(timeoutMs: number): WebhookPoster {
  const agents = {
    'http:': new http.Agent({ keepAlive: true }),
    'https:': new https.Agent({ keepAlive: true }),
  };
  const stop = new AbortController();
  return {
    post: (url, headers, body) =>
      new Promise((resolve) => {
        const isTls = url.startsWith('https:');
        const request = (isTls ? https : http).request(url, {
          method: 'POST',
          agent: agents[isTls ? 'https:' : 'http:'],
          headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
          signal: AbortSignal.any([stop.signal, AbortSignal.timeout(timeoutMs)]),
        });
        request.once('error', () => resolve(null));
        request.once('response', (response) => {
          response.once('error', () => resolve(null));
          response.once('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              retryAfterMs: parseRetryAfter(response.headers['retry-after'], Date.now()),
            }),
          );
          response.resume();
        });
        request.end(body);
      }),
    close: () => {
      stop.abort();
      agents['http:'].destroy();
      agents['https:'].destroy();
    },
  };
}
