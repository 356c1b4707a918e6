import { classifyTransport } from '../rules/classify-transport.ts';
import type { Clock } from './clock.ts';
import type { RecordedExchange } from './service-client.ts';
import { TransportError } from './transport-error.ts';
import type { Transport } from './transport.ts';

/** Told each transmission. Must not throw. */
export type Recorder = (exchange: RecordedExchange) => void;

/**
 * Lets a recorder see the requests for tokens, too, which pass the transport and no service client. Their bodies may hold
 * credentials: whoever keeps a recording redacts them.
 */
export function recordTokens(
  transport: Pick<Transport, 'send'>,
  clock: Clock,
  recorder: Recorder,
): Pick<Transport, 'send'> {
  return {
    send: async (request, signal) => {
      const { method, url, headers, body } = request;
      const startMs = clock.monotonicMs();
      const startedAtMs = clock.nowMs();
      const record = (end: Pick<RecordedExchange, 'answer' | 'failure'>): void =>
        recorder({
          kind: 'token',
          method,
          origin: url.origin,
          path: `${url.pathname}${url.search}`,
          requestHeaders: headers,
          credentialHeaders: [],
          ...(body instanceof Uint8Array ? { requestBody: body } : {}),
          startedAtMs,
          elapsedMs: clock.monotonicMs() - startMs,
          ...end,
        });
      try {
        const answer = await transport.send(request, signal);
        record({ answer });
        return answer;
      } catch (error) {
        if (error instanceof TransportError) record({ failure: classifyTransport(error) });
        throw error;
      }
    },
  };
}
