import type { Logger } from 'pino';
import type { NotificationEvent } from '../activities/index.ts';
import type { Secrets, ServiceConfig } from '../definition/index.ts';
import type { Clock } from '../http/clock.ts';
import { createServiceClient } from '../http/service-client.ts';
import type { Transport } from '../http/transport.ts';
import type { Authenticator } from '../http/types.ts';
import { sign } from '../webhooks/schemes/index.ts';

/** Where a notification's id travels: what receivers tell repetitions by. */
const ID_HEADER = 'webhook-id';
const SCHEME = { kind: 'standard-webhooks' } as const;

/**
 * Sends notifications, signed as Standard Webhooks, by the same way as everything that leaves: deadlines, TLS, no redirects, no
 * answer's text in an error.
 */
export function createNotifier(
  { url, secret }: NonNullable<ServiceConfig['notifications']>,
  deps: {
    readonly secrets: Secrets;
    readonly transport: Transport;
    readonly clock: Clock;
    readonly logger: Pick<Logger, 'warn'>;
    readonly userAgent: string;
  },
): (event: NotificationEvent, signal: AbortSignal) => Promise<void> {
  const { secrets, transport, clock, logger, userAgent } = deps;
  const { origin, pathname } = new URL(url);
  const client = createServiceClient({
    baseUrl: origin,
    transport,
    authenticator: signing(() => secrets.resolve(secret), clock),
    errorRules: [],
    idempotencyHeader: { name: ID_HEADER },
    userAgent,
    clock,
    logger,
  });
  return async ({ id, ...event }, signal) => {
    await client.send(
      { kind: 'notify', method: 'POST', path: pathname, json: event, idempotencyKey: id, repeatable: true },
      signal,
    );
  };
}

/** Signs the very bytes that are sent, at the time they are. */
function signing(resolve: () => Promise<string>, clock: Clock): Authenticator {
  return {
    authorize: async ({ headers, body = new Uint8Array() }) => {
      const input = { id: headers[ID_HEADER] ?? '', timestampMs: clock.nowMs(), body };
      return { headers: sign(SCHEME, await resolve(), input), credential: 'signature' };
    },
    invalidate: () => false,
  };
}
