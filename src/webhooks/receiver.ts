import { batchWorkflowId } from '../contracts/batch.ts';
import { jobWorkflowId, SERVICE_PATTERN } from '../contracts/ids.ts';
import { PlaybookError } from '../contracts/errors.ts';
import { NO_METRICS } from '../contracts/metric-recorder.ts';
import type { MetricRecorder } from '../contracts/metric-recorder.ts';
import { readCallbackToken, type TokenJob } from '../definition/callback-token.ts';
import type { Integration } from '../definition/integration.ts';
import type { AroundHandOver, Delivery, HandOver, HandOverResult } from './delivery.ts';
import { completeLimits } from './limits.ts';
import type { ReceiverLimits } from './limits.ts';
import type { BodyEncoding, BodyProblem, PlainRequest, PlainResponse } from './plain-http.ts';
import { createQuietLog } from './quiet-log.ts';
import type { ReceiverLogger } from './quiet-log.ts';
import { readEvent } from './read-event.ts';
import type { WebhookDefinition } from './read-event.ts';
import { ok, REFUSALS } from './responses.ts';
import { routePath } from './route-path.ts';
import { readHeader } from './schemes/headers.ts';
import type { RawHeaders, RejectReason } from './schemes/verifier.ts';
import { createServiceKeys } from './service-keys.ts';
import type { SecretSource } from './service-keys.ts';
import { createSuspects } from './suspects.ts';

/** One service whose webhooks are taken. */
export interface ReceiverService extends SecretSource {
  readonly integration: Integration;
  /** How far a signed time may be from our clock, either way, in milliseconds. */
  readonly toleranceMs: number;
}

export interface ReceiverDeps {
  /** By short name. */
  readonly services: ReadonlyMap<string, ReceiverService>;
  readonly handOver: HandOver;
  readonly logger: ReceiverLogger;
  /** Epoch milliseconds. @default Date.now */
  readonly now?: () => number;
  /** @default nobody measures */
  readonly metrics?: Pick<MetricRecorder, 'count' | 'observe'>;
  readonly limits?: Partial<ReceiverLimits>;
  /** What each hand-over runs within. @default nothing */
  readonly around?: AroundHandOver;
  /** Whether the receiver can hand over, for `GET /readyz`. @default always */
  readonly ready?: () => boolean | Promise<boolean>;
  /** Told every webhook whose body was read, with our answer. For proof runs, which redact it. */
  readonly recorder?: ((webhook: RecordedWebhook) => void) | undefined;
  /** Told the signed time of every believed webhook: a sample of the service's clock. */
  readonly onClockSample?: (service: string, serverMs: number, receivedMs: number) => void;
}

/** One webhook as it came. */
export interface RecordedWebhook {
  readonly service: string;
  /** Path and query. */
  readonly target: string;
  readonly rawHeaders: RawHeaders;
  readonly body: Uint8Array;
  /** What the scheme's id header says; absent where it has none or the signature is wrong. */
  readonly eventId?: string;
  /** Epoch milliseconds. */
  readonly receivedAtMs: number;
  readonly answer: Pick<PlainResponse, 'status' | 'body'>;
}

export interface Receiver {
  /** Answers one request. Never rejects. */
  readonly handle: (request: PlainRequest) => Promise<PlainResponse>;
}

/** How a request ended: the `outcome` of `playbook_webhooks_total`. */
type Outcome =
  | HandOverResult
  | 'ignored'
  | 'malformed'
  | 'bad_signature'
  | 'refused'
  | 'overloaded'
  | 'secret_unavailable'
  | 'defect';

/** A service, ready to judge what comes in. */
type Registered = ReceiverService & {
  readonly webhook: WebhookDefinition;
  readonly keys: ReturnType<typeof createServiceKeys>;
};

/**
 * The receiver's policy, over plain requests: route, method, size, encoding, then the signature over the bytes and its time, then parse, schema, routing,
 * and the answer 200 only after Temporal has the event.
 * @throws PlaybookError CONFIG_INVALID for a limit or tolerance that makes no sense, or a service without a webhook.
 */
export function createReceiver(deps: ReceiverDeps): Receiver {
  const now = deps.now ?? Date.now;
  const { logger } = deps;
  const metrics = deps.metrics ?? NO_METRICS;
  const limits = completeLimits(deps.limits);
  const suspects = createSuspects(limits.suspectAfter, now);
  const warnQuietly = createQuietLog(logger, now);
  const services = new Map([...deps.services].map(([name, service]) => [name, register(name, service)]));
  let handingOver = 0;

  function register(name: string, service: ReceiverService): Registered {
    const webhook = webhookOf(name, service);
    const onStale = (error: unknown): void =>
      warnQuietly(
        `stale/${name}`,
        { service: name, err: error },
        'Webhook secrets cannot be resolved; the last ones stay in use.',
      );
    return { ...service, webhook, keys: createServiceKeys(webhook.scheme, service, now, onStale) };
  }

  const end = (service: string, outcome: Outcome, response: PlainResponse): PlainResponse => {
    metrics.count('playbook_webhooks_total', { service, outcome });
    return response;
  };

  /** What there is to record of a request; filled as it is read. */
  type Seen = { body?: Uint8Array; eventId?: string | undefined; receivedAtMs: number };

  async function receiveAndRecord(
    service: string,
    token: string | undefined,
    request: PlainRequest,
  ): Promise<PlainResponse> {
    const seen: Seen = { receivedAtMs: now() };
    const answer = await receive(service, token, request, seen);
    const { body, eventId, receivedAtMs } = seen;
    if (body !== undefined) {
      const { target, rawHeaders } = request;
      const id = eventId === undefined ? {} : { eventId };
      deps.recorder?.({ service, target, rawHeaders, body, ...id, receivedAtMs, answer });
    }
    return answer;
  }

  async function receive(
    service: string,
    token: string | undefined,
    request: PlainRequest,
    seen: Seen,
  ): Promise<PlainResponse> {
    const registered = services.get(service);
    if (!registered) return end('unknown', 'refused', REFUSALS.notFound);
    if (request.method !== 'POST') return end(service, 'refused', REFUSALS.methodNotAllowed);
    if (request.rawHeaders.length > 2 * limits.maxHeaders) return end(service, 'refused', REFUSALS.headersTooLarge);
    const encoding = bodyEncoding(request.rawHeaders);
    if (!encoding) return end(service, 'refused', REFUSALS.unsupportedEncoding);

    let keys;
    try {
      keys = await registered.keys();
    } catch (error) {
      warnQuietly(`secrets/${service}`, { service, err: error }, 'Webhooks are put off: their secrets cannot be used.');
      return end(service, 'secret_unavailable', REFUSALS.unavailable);
    }

    const suspect = suspects.isSuspect(request.source);
    const maxBytes = suspect ? Math.min(limits.suspectMaxBodyBytes, limits.maxBodyBytes) : limits.maxBodyBytes;
    const body = await request.readBody({ maxBytes, encoding });
    if (!body.ok) {
      const tooMany = suspect && body.problem === 'too_large';
      return end(service, 'refused', tooMany ? REFUSALS.tooMany : BODY_REFUSALS[body.problem]);
    }

    seen.body = body.bytes;
    const nowMs = now();
    const { toleranceMs, integration, webhook } = registered;
    const verified = keys.verifier({ rawHeaders: request.rawHeaders, body: body.bytes, nowMs, toleranceMs });
    if (!verified.ok) return rejectSignature(service, request.source, verified.reason);
    seen.eventId = verified.eventId;
    if (verified.timestampMs !== undefined) {
      deps.onClockSample?.(service, verified.timestampMs, nowMs);
      metrics.observe('playbook_webhook_age_seconds', { service }, (nowMs - verified.timestampMs) / 1000);
    }

    const tokenJob = token === undefined ? undefined : jobOfToken(service, token, keys.tokenSecrets);
    const event = { body: body.bytes, receivedAtMs: nowMs, eventId: verified.eventId, tokenJob };
    const read = readEvent(integration, webhook, event);
    if (read.kind === 'ignore') return end(service, 'ignored', ok('ignored'));
    if (read.kind === 'malformed') {
      const fields = { service, code: 'WEBHOOK_MALFORMED', detail: read.detail };
      warnQuietly(`malformed/${service}/${read.detail}`, fields, 'A correctly signed webhook cannot be read.');
      return end(service, 'malformed', REFUSALS.malformed);
    }
    if (read.tokenIgnored || (token !== undefined && !tokenJob)) {
      metrics.count('playbook_webhook_tokens_ignored_total', { service });
    }

    if (handingOver >= limits.maxHandOvers) return end(service, 'overloaded', REFUSALS.unavailable);
    handingOver += 1;
    const begunMs = performance.now();
    try {
      const result = await handOver(read.delivery, request);
      const tookMs = performance.now() - begunMs;
      metrics.observe('playbook_webhook_hand_over_seconds', { service, outcome: result }, tookMs / 1000);
      return end(service, result, result === 'temporal_away' ? REFUSALS.unavailable : ok(ACKNOWLEDGED[result]));
    } finally {
      handingOver -= 1;
    }
  }

  function handOver(delivery: Delivery, { rawHeaders }: PlainRequest): Promise<HandOverResult> {
    if (deps.around === undefined) return deps.handOver(delivery);
    const { service, address } = delivery;
    const job = address.kind === 'job' ? address.job : undefined;
    const trace = readHeader(rawHeaders, 'traceparent');
    const about = { service, job, workflowId: job && workflowOf(job), traceparent: trace.ok ? trace.value : undefined };
    return deps.around(about, () => deps.handOver(delivery));
  }

  function rejectSignature(service: string, source: string, reason: RejectReason): PlainResponse {
    suspects.accuse(source);
    metrics.count('playbook_webhook_signatures_rejected_total', { service, reason });
    const fields = { service, source, reason, code: 'WEBHOOK_SIGNATURE_INVALID' };
    warnQuietly(`signature/${source}`, fields, 'A webhook was discarded: its signature or time is not valid.');
    return end(service, 'bad_signature', REFUSALS.badSignature);
  }

  async function health(kind: 'live' | 'ready', method: string): Promise<PlainResponse> {
    if (method !== 'GET' && method !== 'HEAD') return REFUSALS.methodNotAllowed;
    if (kind === 'live') return ok('live');
    return (await deps.ready?.()) === false ? REFUSALS.unavailable : ok('ready');
  }

  return {
    handle: async (request) => {
      const target = routePath(request.target);
      try {
        if (target.kind === 'webhook') return await receiveAndRecord(target.service, target.token, request);
        if (target.kind === 'none') return end('unknown', 'refused', REFUSALS.notFound);
        return await health(target.kind, request.method);
      } catch (error) {
        // Never 500, which some senders take for a final answer: with 503 they come again, and nothing is lost meanwhile.
        logger.error({ err: error }, 'The receiver failed on a request; the sender was asked to come again.');
        const service = target.kind === 'webhook' ? target.service : 'unknown';
        return end(services.has(service) ? service : 'unknown', 'defect', REFUSALS.shed);
      }
    },
  };
}

const BODY_REFUSALS: Record<BodyProblem, PlainResponse> = {
  too_large: REFUSALS.tooLarge,
  too_slow: REFUSALS.tooSlow,
  bad_encoding: REFUSALS.badRequest,
  shed: REFUSALS.shed,
  aborted: REFUSALS.badRequest,
};

/** What the sender is told. A job that is over or gone has no use for the event, and repeating it would not help. */
const ACKNOWLEDGED: Record<Exclude<HandOverResult, 'temporal_away'>, string> = {
  accepted: 'accepted',
  duplicate: 'duplicate',
  late: 'ignored',
  unknown_job: 'ignored',
};

function workflowOf({ service, key, batch }: TokenJob): string {
  return batch === undefined ? jobWorkflowId(service, key) : batchWorkflowId(batch);
}

function jobOfToken(service: string, token: string, secrets: readonly string[]): TokenJob | undefined {
  const job = readCallbackToken(secrets, token);
  return job?.service === service ? job : undefined;
}

/** The encoding of the body; `undefined` for one we do not inflate. */
function bodyEncoding(rawHeaders: RawHeaders): BodyEncoding | undefined {
  let encoding: BodyEncoding = 'identity';
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() !== 'content-encoding') continue;
    const value = rawHeaders[i + 1]?.trim().toLowerCase();
    if (value !== 'identity' && value !== 'gzip' && value !== 'deflate' && value !== 'br') return undefined;
    if (encoding !== 'identity') return undefined;
    encoding = value;
  }
  return encoding;
}

function webhookOf(name: string, { integration, toleranceMs }: ReceiverService): WebhookDefinition {
  const invalid = (problem: string): PlaybookError =>
    new PlaybookError('CONFIG_INVALID', `The webhook service ${JSON.stringify(name)} ${problem}.`);
  if (!SERVICE_PATTERN.test(name) || name !== integration.service) {
    throw invalid(`must be the integration's own name, ${JSON.stringify(integration.service)}`);
  }
  if (!(toleranceMs > 0 && toleranceMs < Infinity))
    throw invalid(`has a tolerance of ${toleranceMs} ms, it must be above 0`);
  if (!integration.webhook) throw invalid('has an integration that declares no webhook');
  return integration.webhook;
}
