import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { WebhookScheme } from '../../../src/contracts/webhook-scheme.ts';
import type { Integration } from '../../../src/definition/integration.ts';
import type { Delivery, HandOverResult } from '../../../src/webhooks/delivery.ts';
import { startReceiver } from '../../../src/webhooks/start-receiver.ts';
import type { ReceiverOptions, RunningReceiver } from '../../../src/webhooks/start-receiver.ts';
import type { ReceiverService } from '../../../src/webhooks/receiver.ts';

export const SERVICE = 'docproc';
export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
export const TOKEN_SECRET = 'a token secret of 32 characters!';
/** The receiver's clock in tests. */
export const NOW_MS = 1_800_000_000_000;

const payload = z.object({
  type: z.string(),
  id: z.string().optional(),
  data: z.looseObject({
    id: z.string().optional(),
    reference: z.string().optional(),
    status: z.string().optional(),
    result: z.unknown().optional(),
  }),
});

const STATES = { processing: 'PROCESSING', done: 'COMPLETED', broken: 'FAILED' } as const;

/** An integration of which only the webhook matters. */
export function webhookIntegration(options: { scheme?: WebhookScheme; trusted?: boolean; service?: string } = {}) {
  const integration = {
    service: options.service ?? SERVICE,
    states: STATES,
    result: z.object({ text: z.string() }),
    webhook: {
      scheme: options.scheme ?? { kind: 'standard-webhooks' },
      payload,
      read: ({ type, id, data }: z.infer<typeof payload>) => {
        if (data['boom'] === true) throw new TypeError('boom');
        return {
          state: ({ 'job.processing': 'PROCESSING', 'job.completed': 'COMPLETED', 'job.failed': 'FAILED' } as const)[
            type
          ],
          eventId: id,
          externalId: data.id,
          reference: data.reference,
          job:
            data.status === undefined
              ? undefined
              : { externalId: data.id ?? '', word: data.status, result: data.result, costMicros: 5 },
        };
      },
      trusted: options.trusted ?? false,
      retryHorizonMs: 1000,
    },
  };
  return integration as unknown as Integration;
}

export function webhookService(overrides: Partial<ReceiverService> = {}): ReceiverService {
  return {
    integration: webhookIntegration(),
    toleranceMs: 300_000,
    secrets: async () => [SECRET],
    tokenSecrets: async () => [TOKEN_SECRET],
    ...overrides,
  };
}

/** A hand-over that keeps what it was given. */
export function recordingHandOver(result: HandOverResult = 'accepted') {
  const deliveries: Delivery[] = [];
  const recorder = {
    deliveries,
    result,
    handOver: async (delivery: Delivery): Promise<HandOverResult> => {
      deliveries.push(delivery);
      return recorder.result;
    },
  };
  return recorder;
}

/** Counts, as `name{a=b,…}`, and what was observed. */
function recordingMetrics() {
  const counts = new Map<string, number>();
  const observed: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[] = [];
  return {
    counts,
    observed,
    observe: (name: string, labels: Readonly<Record<string, string>>, value: number): void =>
      void observed.push({ name, labels, value }),
    count: (name: string, labels: Readonly<Record<string, string>>): void => {
      const key = `${name}{${Object.entries(labels)
        .map((pair) => pair.join('='))
        .join(',')}}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    },
  };
}

/** A logger that keeps its lines. */
export function recordingLogger() {
  const lines: { level: string; fields: Record<string, unknown>; message: string }[] = [];
  const at =
    (level: string) =>
    (fields: object, message: string): void =>
      void lines.push({ level, fields: { ...fields }, message });
  return { lines, info: at('info'), warn: at('warn'), error: at('error') };
}

export interface TestReceiver extends RunningReceiver {
  readonly recorder: ReturnType<typeof recordingHandOver>;
  readonly metrics: ReturnType<typeof recordingMetrics>;
  readonly logger: ReturnType<typeof recordingLogger>;
}

/** A receiver on a free port whose clock stands at {@link NOW_MS}. Close it. */
export async function startTestReceiver(
  options: Partial<Omit<ReceiverOptions, 'metrics' | 'logger'>> & {
    services?: ReadonlyMap<string, ReceiverService>;
  } = {},
): Promise<TestReceiver> {
  const recorder = recordingHandOver();
  const metrics = recordingMetrics();
  const logger = recordingLogger();
  const running = await startReceiver({
    port: 0,
    services: new Map([[SERVICE, webhookService()]]),
    handOver: recorder.handOver,
    now: () => NOW_MS,
    ...options,
    metrics,
    logger,
  });
  return { ...running, recorder, metrics, logger };
}

/** A hand-over that waits until it is released. */
export function heldHandOver() {
  const latch = { release: (): void => undefined };
  const released = new Promise<void>((resolve) => (latch.release = resolve));
  return { latch, handOver: async () => released.then(() => 'accepted' as const) };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface TestRequest {
  readonly method?: string;
  readonly path?: string;
  /** An array value is sent as repeated lines. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: Uint8Array | string;
  readonly localAddress?: string;
}

/** One request on a connection of its own. */
export async function send(receiver: { readonly port: number }, request: TestRequest = {}): Promise<Answer> {
  const { method = 'POST', path = `/webhooks/${SERVICE}`, headers = {}, body = '', localAddress } = request;
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        host: '127.0.0.1',
        port: receiver.port,
        method,
        path,
        headers,
        agent: false,
        ...(localAddress !== undefined && { localAddress }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
        response.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
