import { setMaxListeners } from 'node:events';
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
  setMaxListeners(0, stop.signal); // every exchange listens to it
  return {
    post: (url, headers, body) =>
      new Promise((resolve) => {
        const isTls = url.startsWith('https:');
        const request = (isTls ? https : http).request(url, {
          method: 'POST',
          agent: agents[isTls ? 'https:' : 'http:'],
          headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
          signal: stop.signal,
        });
        // Not AbortSignal.timeout: within AbortSignal.any alone it is collected as garbage and never fires (Node 20).
        const timer = setTimeout(() => request.destroy(new Error(`no whole answer in ${timeoutMs} ms`)), timeoutMs);
        const settle = (outcome: PostOutcome): void => {
          clearTimeout(timer);
          resolve(outcome);
        };
        request.once('error', () => settle(null));
        request.once('response', (response) => {
          response.once('error', () => settle(null));
          response.once('end', () =>
            settle({
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
