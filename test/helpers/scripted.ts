import { z } from 'zod';
import type { ServiceRuntime } from '../../src/activities/index.ts';
import type { Json } from '../../src/contracts/index.ts';
import { defineIntegration, parseConfig } from '../../src/definition/index.ts';
import type { IdempotencyPolicy, Integration } from '../../src/definition/index.ts';
import { RequestFailed } from '../../src/http/types.ts';
import type { OutboundRequest, RequestKind } from '../../src/http/types.ts';
import type { Failure } from '../../src/rules/failure.ts';

/** A job as the scripted service shows it. */
const job = z.object({
  id: z.string(),
  status: z.string(),
  result: z.object({ text: z.string() }).optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
  cost: z.int().optional(),
});
type ScriptedJob = z.infer<typeof job>;

const toRemote = ({ id, status, result, error, cost }: ScriptedJob) => ({
  externalId: id,
  word: status,
  ...(result === undefined ? {} : { result }),
  ...(error === undefined ? {} : { error }),
  ...(cost === undefined ? {} : { costMicros: cost }),
});

/** What the service does about one job; `nth` counts the requests of that kind about it, from 1. Absent: it goes well. */
export type Script = { readonly [Kind in RequestKind]?: (nth: number, signal: AbortSignal) => Json | Promise<Json> };

export interface ScriptedServiceOptions {
  readonly service: string;
  /** YAML of `polling: {…}` and other sections but `service` and `auth`. */
  readonly config?: string;
  /** YAML of `service.retry`. @default { max_attempts: 3, backoff_ms: '20,40' } */
  readonly retry?: string;
  readonly idempotency?: IdempotencyPolicy;
  readonly lookup?: { readonly settleMs: number } | false;
  readonly cancel?: false;
  readonly cost?: { readonly perJobMicros: number; readonly perRequestMicros?: number };
}

/** A service whose answers a test writes: no HTTP, one script per job. */
export interface ScriptedService {
  readonly integration: Integration<{ text: string }, { text: string }>;
  readonly runtime: ServiceRuntime;
  /** Says how the service treats the job with this key. Its external id is `x-<key>~<generation>`. */
  readonly script: (key: string, script: Script) => void;
  /** Kinds of the requests about a job, in order. */
  readonly requests: (key: string) => RequestKind[];
}

export const DONE = { status: 'DONE', result: { text: 'done' } };

/** Answers of the scripted service. */
export const RUNNING = { status: 'RUNNING' };

/** Throws as a failed request does. */
export function fail(failure: Partial<Failure>): never {
  throw new RequestFailed({
    code: 'SERVICE_UNAVAILABLE',
    retryable: true,
    arrival: 'maybe',
    throttled: false,
    message: 'The service answered 500.',
    ...failure,
  });
}

export function scriptedService(options: ScriptedServiceOptions): ScriptedService {
  const { service } = options;
  const full = defineIntegration({
    service,
    title: 'A service that does as it is told',
    contractVersion: '1.0.0',
    input: z.strictObject({ text: z.string() }),
    result: z.object({ text: z.string() }),
    submit: {
      request: ({ input, reference }) => ({ method: 'POST', path: `/jobs/${reference}`, json: input }),
      response: job,
      read: toRemote,
      idempotency: options.idempotency ?? { kind: 'header', name: 'Idempotency-Key', lifetimeMs: 7 * 86_400_000 },
    },
    status: {
      request: ({ externalId }) => ({ method: 'GET', path: `/jobs/${externalId}` }),
      response: job,
      read: toRemote,
    },
    lookup: {
      request: ({ reference }) => ({ method: 'GET', path: `/jobs/${reference}` }),
      response: z.array(job),
      read: ([found]) => (found === undefined ? undefined : toRemote(found)),
      settleMs: options.lookup === false ? 0 : (options.lookup?.settleMs ?? 0),
    },
    cancel: {
      request: ({ externalId }) => ({ method: 'POST', path: `/jobs/${externalId}` }),
      response: job,
      read: toRemote,
    },
    states: { RUNNING: 'PROCESSING', DONE: 'COMPLETED', BROKEN: 'FAILED', STOPPED: 'CANCELED' },
    cost: options.cost ?? { perJobMicros: 1000, perRequestMicros: 10 },
  });
  const absent = (['lookup', 'cancel'] as const).filter((name) => options[name] === false);
  const integration = Object.fromEntries(
    Object.entries(full).filter(([name]) => !(absent as string[]).includes(name)),
  ) as unknown as typeof full;
  const yaml = [
    'environment: sandbox',
    `service: { base_url: 'http://127.0.0.1:9', version: v1, timeouts: { connect_ms: 500, read_ms: 1000, total_ms: 1000 }, retry: ${options.retry ?? "{ max_attempts: 3, backoff_ms: '20,40' }"}, rate_limit: { qps_cap: 100 } }`,
    'auth: { type: none }',
    options.config ?? 'polling: { grace_ms: 0, initial_ms: 20, factor: 1.5, max_ms: 100 }',
  ].join('\n');

  const scripts = new Map<string, Script>();
  const log = new Map<string, RequestKind[]>();
  const send = async (request: OutboundRequest, signal: AbortSignal) => {
    const reference = (request.path.split('/').at(-1) ?? '').replace(/^x-/, '');
    const key = reference.slice(0, reference.lastIndexOf('~'));
    const kinds = log.get(key) ?? [];
    kinds.push(request.kind);
    log.set(key, kinds);
    const nth = kinds.filter((kind) => kind === request.kind).length;
    const answer = await scripts.get(key)?.[request.kind]?.(nth, signal);
    const body = (more: Json): Json => ({ id: `x-${reference}`, ...(more as object) });
    const usual = { cancel: { status: 'STOPPED' }, lookup: [] } as Partial<Record<RequestKind, Json>>;
    const json = answer ?? usual[request.kind] ?? RUNNING;
    return {
      status: 200,
      headers: {},
      bytes: new Uint8Array(),
      elapsedMs: 1,
      json: Array.isArray(json) ? json.map(body) : body(json),
    };
  };
  return {
    integration,
    runtime: {
      integration,
      config: parseConfig(yaml, { service }),
      client: { send, close: async () => undefined },
    },
    script: (key, script) => void scripts.set(key, script),
    requests: (key) => log.get(key) ?? [],
  };
}
