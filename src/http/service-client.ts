import { Readable } from 'node:stream';
import type { Logger } from 'pino';
import { classifyTransport } from '../rules/classify-transport.ts';
import type { Failure } from '../rules/failure.ts';
import { readLimits } from '../rules/limit-headers.ts';
import type { LimitReading, ResetFormat } from '../rules/limit-headers.ts';
import type { Clock } from './clock.ts';
import { judge } from './judge.ts';
import type { AnswerRules } from './judge.ts';
import { requestUrl } from './request-url.ts';
import { createSkewWatch, DEFAULT_SKEW_TOLERANCE_MS } from './skew-watch.ts';
import type { SkewWatch } from './skew-watch.ts';
import { TransportError } from './transport-error.ts';
import type { Transport } from './transport.ts';
import { RequestFailed } from './types.ts';
import type {
  Authenticator,
  Observation,
  OutboundRequest,
  RequestKind,
  RequestTrace,
  ServiceClient,
  ServiceResponse,
  TraceRequest,
} from './types.ts';
import type { TransportRequest, TransportResponse } from './wire.ts';

/** One transmission as it was on the wire, except that credentials are left out. For proof runs, which redact the rest. */
export interface RecordedExchange {
  readonly kind: RequestKind;
  readonly method: string;
  readonly origin: string;
  /** With the query. */
  readonly path: string;
  readonly requestHeaders: Readonly<Record<string, string>>;
  /** Names of the headers that authenticated it. */
  readonly credentialHeaders: readonly string[];
  /** Absent for streamed uploads. */
  readonly requestBody?: Uint8Array;
  /** How many bytes were streamed. */
  readonly streamedBytes?: number;
  /** Epoch milliseconds. */
  readonly startedAtMs: number;
  readonly elapsedMs: number;
  readonly answer?: Pick<TransportResponse, 'status' | 'headers' | 'bytes'>;
  readonly failure?: Failure;
}

/** Leave to transmit once. */
export interface Permit {
  /** Called synchronously right before the socket write; throws to withhold the request. See `TransportRequest.beforeWrite`. */
  readonly beforeWrite?: () => void;
  /** Called exactly once when the transmission is over, whatever became of it; without an observation when it was withheld. */
  readonly release?: (observation: Observation | undefined) => void;
}

/** What a service's client is made of. */
export interface ServiceClientOptions extends AnswerRules {
  readonly baseUrl: string;
  readonly transport: Transport;
  readonly authenticator: Authenticator;
  /** Where a request's idempotency key travels; `quoted` as a structured-field string, per the IETF draft. */
  readonly idempotencyHeader?: { readonly name: string; readonly quoted?: boolean } | undefined;
  /** How the service writes `X-RateLimit-Reset`. @default 'auto' */
  readonly resetFormat?: ResetFormat | undefined;
  /** What is known of the service's clock. @default one of its own */
  readonly skewWatch?: SkewWatch | undefined;
  /** How far the clocks may differ before a warning, in milliseconds. @default 60 s */
  readonly skewToleranceMs?: number | undefined;
  readonly userAgent: string;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn'>;
  /** Waits until the request may be sent. Asked once per transmission, so also for the repetition after a 401. */
  readonly beforeSend?: ((request: OutboundRequest, signal: AbortSignal) => Promise<Permit>) | undefined;
  readonly onResponse?: ((observation: Observation) => void) | undefined;
  /** @default nobody traces */
  readonly trace?: TraceRequest | undefined;
  readonly recorder?: ((exchange: RecordedExchange) => void) | undefined;
}

type Outcome =
  | { readonly response: ServiceResponse }
  | {
      readonly response?: undefined;
      readonly failure: Failure;
      readonly credential: string;
      readonly cause?: TransportError;
    };

/** What has been seen of a transmission so far. */
interface Seen {
  observation?: Observation;
}

/** Milliseconds a credential is taken for fresh: over a longer wait a token may expire and a signature's time grow old. */
const FRESH_MS = 250;

/**
 * Makes the one way to a service in one environment: authentication, pacing, transport, judgement, in that order.
 * `close` closes the transport, too.
 */
export function createServiceClient(options: ServiceClientOptions): ServiceClient {
  const { transport, authenticator, clock } = options;
  const base = new URL(options.baseUrl);
  const skewWatch =
    options.skewWatch ?? createSkewWatch(options.skewToleranceMs ?? DEFAULT_SKEW_TOLERANCE_MS, options.logger);

  const transmit = async (request: OutboundRequest, signal: AbortSignal): Promise<Outcome> => {
    const { kind, method } = request;
    const url = requestUrl(base, request);
    const trace = options.trace?.({ method, url, kind });
    const seen: Seen = {};
    try {
      return await transmitOnce(request, url, signal, trace, seen);
    } finally {
      trace?.end(seen.observation);
    }
  };

  const transmitOnce = async (
    request: OutboundRequest,
    url: URL,
    signal: AbortSignal,
    trace: RequestTrace | undefined,
    seen: Seen,
  ): Promise<Outcome> => {
    const { kind, method } = request;
    const json = request.json === undefined ? undefined : Buffer.from(JSON.stringify(request.json));
    const plain = { ...headersOf(request, options), ...trace?.headers };
    const authorizable = { method, url, headers: plain, ...(json === undefined ? {} : { body: json }) };
    // Before the wait for leave, so that none is spent on waiting for a token.
    let authorization = await authenticator.authorize(authorizable, signal);
    const askedMs = clock.monotonicMs();
    const permit = (await options.beforeSend?.(request, signal)) ?? {};
    trace?.leaves();
    let startMs = clock.monotonicMs();

    const report = (limits: LimitReading, answer: TransportResponse | undefined, failure: Failure | undefined) => {
      const elapsedMs = clock.monotonicMs() - startMs;
      const skew = skewWatch.current();
      const failed = failure === undefined ? {} : { failure };
      const observation: Observation = {
        kind,
        elapsedMs,
        limits,
        ...(answer === undefined ? {} : { status: answer.status }),
        ...(skew === undefined ? {} : { skew }),
        ...failed,
      };
      seen.observation = observation;
      options.onResponse?.(observation);
      options.recorder?.({
        kind,
        method,
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        requestHeaders: plain,
        credentialHeaders: Object.keys(authorization.headers),
        ...(json === undefined ? {} : { requestBody: json }),
        ...(request.body === undefined ? {} : { streamedBytes: request.body.bytes }),
        startedAtMs: clock.nowMs() - elapsedMs,
        elapsedMs,
        ...(answer === undefined ? {} : { answer }),
        ...failed,
      });
      return elapsedMs;
    };

    try {
      if (startMs - askedMs > FRESH_MS) {
        authorization = await authenticator.authorize(authorizable, signal);
        startMs = clock.monotonicMs();
      }
      const body = json ?? opened(request);
      const answer = await transport.send(
        {
          method,
          url,
          headers: { ...plain, ...authorization.headers },
          ...(body === undefined ? {} : { body }),
          ...(request.maxResponseBytes === undefined ? {} : { maxResponseBytes: request.maxResponseBytes }),
          ...(permit.beforeWrite === undefined ? {} : { beforeWrite: permit.beforeWrite }),
        },
        signal,
      );
      const limits = readLimits(answer.headers, skewWatch.observe(answer), options.resetFormat);
      const { failure, json: parsed } = judge(answer, limits.retryAfterMs, options);
      if (answer.status !== 401) authenticator.confirm?.(authorization.credential);
      const elapsedMs = report(limits, answer, failure);
      if (failure !== undefined) return { failure, credential: authorization.credential };
      const { status, headers, bytes } = answer;
      return { response: { status, headers, bytes, ...(parsed === undefined ? {} : { json: parsed }), elapsedMs } };
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      const failure = classifyTransport(error);
      report({}, undefined, failure);
      return { failure, credential: authorization.credential, cause: error };
    } finally {
      permit.release?.(seen.observation);
    }
  };

  return {
    send: async (request, signal) => {
      let outcome = await transmit(request, signal);
      if (!outcome.response && outcome.failure.status === 401 && authenticator.invalidate(outcome.credential)) {
        // What may not be repeated here may be by whoever sent it: it was refused, and the next attempt has another token.
        if (!request.repeatable) throw new RequestFailed({ ...outcome.failure, retryable: true });
        outcome = await transmit(request, signal);
      }
      if (outcome.response) return outcome.response;
      throw new RequestFailed(outcome.failure, { cause: outcome.cause });
    },
    close: () => transport.close(),
  };
}

function headersOf(request: OutboundRequest, options: ServiceClientOptions): Record<string, string> {
  const { idempotencyHeader } = options;
  const headers: Record<string, string> = {
    accept: 'application/json',
    // Nothing is inflated here: a byte cap on compressed bytes bounds nothing.
    'accept-encoding': 'identity',
    'user-agent': options.userAgent,
  };
  for (const [name, value] of Object.entries(request.headers ?? {})) headers[name.toLowerCase()] = value;
  if (request.json !== undefined) headers['content-type'] ??= 'application/json';
  if (request.body !== undefined) headers['content-type'] ??= request.body.contentType;
  if (idempotencyHeader !== undefined && request.idempotencyKey !== undefined) {
    const { name, quoted = false } = idempotencyHeader;
    headers[name.toLowerCase()] = quoted ? `"${request.idempotencyKey}"` : request.idempotencyKey;
  }
  return headers;
}

function opened({ body }: OutboundRequest): TransportRequest['body'] {
  const content = body?.open();
  return content instanceof Readable ? { stream: content, bytes: body?.bytes ?? 0 } : content;
}
