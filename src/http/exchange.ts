import { setMaxListeners } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { TransportError, toTransportError } from './transport-error.ts';
import type { TransportProblem } from './transport-error.ts';
import type { TransportRequest, TransportResponse } from './wire.ts';

/** How much of an answer that is no 2xx is read: enough for any error message. */
const MAX_ERROR_BYTES = 64 * 1024;

/** What bounds one exchange. */
export interface ExchangeLimits {
  readonly readTimeoutMs: number;
  readonly totalTimeoutMs: number;
  readonly maxResponseBytes: number;
  readonly nowMs: () => number;
}

/**
 * Sends one request through a dispatcher and collects its answer.
 *
 * `onRequestStart` is the exact point at which a request is tied to a connected socket: undici calls it synchronously
 * before it writes the head (`writeH1` in its lib/dispatcher/client-h1.js), once, because nothing here pipelines. Before
 * it nothing has left; after it anything may have. An error thrown in it makes undici forget the request and keep the
 * connection.
 */
export function exchange(
  dispatcher: Dispatcher,
  request: TransportRequest,
  signal: AbortSignal,
  limits: ExchangeLimits,
): Promise<TransportResponse> {
  return new Promise((resolve, reject) => {
    const { bytes, upload } = bodyOf(request);
    let controller: Dispatcher.DispatchController | undefined;
    let writtenMs: number | undefined;
    let head: Pick<TransportResponse, 'status' | 'headers' | 'headMs'> | undefined;
    const chunks: Buffer[] = [];
    let received = 0;
    let settled = false;

    const settle = (): boolean => {
      if (settled) return false;
      settled = true;
      clearTimeout(totalTimer);
      clearTimeout(readTimer);
      signal.removeEventListener('abort', onAbort);
      upload?.stream.destroy();
      return true;
    };
    /** The answer as far as it came. */
    const deliver = () => {
      if (head === undefined || writtenMs === undefined || !settle()) return;
      const response = { ...head, writtenMs, bytes: Buffer.concat(chunks) };
      // undici frees the connection in a `setImmediate` it is about to queue. Behind that, a caller who sends again at once reuses it.
      queueMicrotask(() => setImmediate(resolve, response));
    };
    const fail = (error: unknown) => {
      if (settle()) reject(error);
    };
    /** Ends it from our side. What a failed answer's status says is worth more than the rest of its body. */
    const giveUp = (problem: TransportProblem, message: string, cause?: unknown) => {
      const error = new TransportError(problem, writtenMs === undefined ? 'never' : 'maybe', message, { cause });
      if (problem !== 'aborted' && isFailure(head?.status)) deliver();
      else fail(error);
      controller?.abort(error);
    };

    const onAbort = () => giveUp('aborted', 'The request was cancelled.', signal.reason);
    const totalTimer = setTimeout(
      () => giveUp('total-timeout', `No complete answer within ${limits.totalTimeoutMs} ms.`),
      limits.totalTimeoutMs,
    );
    let readTimer: NodeJS.Timeout | undefined;
    const progress = () => {
      if (settled) return;
      readTimer ??= setTimeout(
        () => giveUp('read-timeout', `The service was silent for ${limits.readTimeoutMs} ms.`),
        limits.readTimeoutMs,
      );
      readTimer.refresh();
    };
    const checkSize = (size: number) => {
      const cap = isFailure(head?.status)
        ? Math.min(MAX_ERROR_BYTES, limits.maxResponseBytes)
        : limits.maxResponseBytes;
      if (size > cap) giveUp('too-large', `The answer exceeds ${cap} bytes.`);
    };

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: (started) => {
        if (settled) throw new Error('The request was given up before it had a connection.');
        if (writtenMs !== undefined) throw new Error('The request would have been written a second time.');
        try {
          request.beforeWrite?.();
        } catch (error) {
          fail(error);
          throw error;
        }
        controller = started;
        writtenMs = limits.nowMs();
        progress();
      },
      onResponseStart: (_, status, headers) => {
        progress();
        if (status < 200) return;
        head = { status, headers: joined(headers), headMs: limits.nowMs() };
        checkSize(Number(headers['content-length'] ?? 0));
      },
      onResponseData: (_, chunk) => {
        progress();
        chunks.push(chunk);
        received += chunk.length;
        checkSize(received);
      },
      onResponseEnd: deliver,
      onResponseError: (_, error) => {
        if (isFailure(head?.status)) deliver();
        else fail(toTransportError(error, writtenMs !== undefined));
      },
    };

    /** Hands the stream over chunk by chunk: undici writes each as soon as it gets it, the head with the first. */
    async function* chunked(source: Readable) {
      try {
        for await (const chunk of source) {
          request.beforeWrite?.();
          progress();
          yield chunk as Buffer;
        }
      } catch (error) {
        fail(error);
        throw error;
      }
    }

    if (signal.aborted) return onAbort();
    // One activity may have any number of requests under way; each takes its listener away when it ends.
    setMaxListeners(Infinity, signal);
    signal.addEventListener('abort', onAbort, { once: true });
    dispatcher.dispatch(
      {
        method: request.method,
        path: `${request.url.pathname}${request.url.search}`,
        headers:
          upload === undefined ? request.headers : { ...request.headers, 'content-length': String(upload.bytes) },
        // Any async iterable will do at run time (`isIterable` in undici's lib/core/request.js); its types say less.
        body: (upload === undefined ? (bytes ?? null) : chunked(upload.stream)) as Uint8Array | null,
      },
      handler,
    );
  });
}

function bodyOf({ body }: TransportRequest) {
  return body instanceof Uint8Array ? { bytes: body } : { upload: body };
}

function isFailure(status: number | undefined): boolean {
  return status !== undefined && status >= 300;
}

function joined(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  );
}
