import type { z } from 'zod';
import type { Integration } from '../definition/index.ts';
import type { RecordedExchange } from '../http/service-client.ts';
import { REDACTED } from '../rules/redaction.ts';
import type { RecordedWebhook } from '../webhooks/index.ts';
import type { EntryFacts, HarEntry, NameValue } from './har.ts';
import type { Sanitizer } from './sanitizer.ts';

/** What was recorded of a job, as it was: never to be stored. */
export interface Tape {
  readonly exchanges: readonly RecordedExchange[];
  readonly webhooks: readonly (RecordedWebhook & {
    /** Where the service sends webhooks, as it sees us. */
    readonly publicUrl: string;
  })[];
}

const FORM = 'application/x-www-form-urlencoded';

/** The sanitised entries of a tape, in the order in which they began. */
export function entriesOf(integration: Integration, tape: Tape, sanitizer: Sanitizer): readonly HarEntry[] {
  const write = (): readonly HarEntry[] => [
    ...tape.exchanges.map((exchange) => exchangeEntry(integration, exchange, sanitizer)),
    ...tape.webhooks.map((webhook) => webhookEntry(integration, webhook, sanitizer)),
  ];
  write(); // a first pass meets every classified value; the second replaces it wherever it stands
  return write().toSorted((a, b) => Date.parse(a.startedDateTime) - Date.parse(b.startedDateTime));
}

/** One request of ours, with its answer. */
export function exchangeEntry(integration: Integration, exchange: RecordedExchange, sanitizer: Sanitizer): HarEntry {
  const { kind, method, requestHeaders, requestBody, streamedBytes, answer, failure } = exchange;
  const url = new URL(`${exchange.origin}${exchange.path}`);
  const credentials = Object.fromEntries(exchange.credentialHeaders.map((name) => [name.toLowerCase(), REDACTED]));
  const headers = { ...sanitizer.headers(requestHeaders), ...credentials };
  const isOk = answer !== undefined && answer.status >= 200 && answer.status < 300;
  const facts: EntryFacts = {
    kind,
    ...(streamedBytes === undefined ? {} : { streamed: true }),
    ...(answer !== undefined || failure === undefined
      ? {}
      : { failure: { code: failure.code, arrival: failure.arrival } }),
  };
  const response =
    answer === undefined
      ? { status: 0, headers: {}, mimeType: 'x-unknown' }
      : {
          status: answer.status,
          headers: sanitizer.headers(answer.headers),
          ...bodyOf(answer.bytes, answer.headers['content-type'], sanitizer, isOk ? schemasOf(integration, kind) : []),
        };
  return entry({
    startedAtMs: exchange.startedAtMs,
    elapsedMs: exchange.elapsedMs,
    request: {
      method,
      url,
      headers,
      ...(requestBody === undefined
        ? { size: streamedBytes ?? 0 }
        : bodyOf(requestBody, requestHeaders['content-type'], sanitizer, [])),
    },
    response,
    sanitizer,
    facts,
  });
}

function webhookEntry(integration: Integration, webhook: Tape['webhooks'][number], sanitizer: Sanitizer): HarEntry {
  const { target, rawHeaders, body, eventId, receivedAtMs, answer } = webhook;
  const headers = Object.fromEntries(pairs(rawHeaders).map(([name, value]) => [name.toLowerCase(), value]));
  const payload = integration.webhook?.payload as z.ZodType | undefined;
  return entry({
    startedAtMs: receivedAtMs,
    elapsedMs: 0,
    request: {
      method: 'POST',
      url: new URL(`${webhook.publicUrl}${target}`),
      headers: sanitizer.headers(headers),
      ...bodyOf(body, headers['content-type'], sanitizer, payload === undefined ? [] : [payload]),
    },
    response: {
      status: answer.status,
      headers: { 'content-type': 'application/json' },
      ...bodyOf(Buffer.from(answer.body), 'application/json', sanitizer, []),
    },
    sanitizer,
    facts: { kind: 'webhook', ...(eventId === undefined ? {} : { eventId }) },
  });
}

interface Message {
  readonly headers: Readonly<Record<string, string>>;
  readonly mimeType?: string;
  readonly text?: string;
  readonly size?: number;
}

function entry({
  startedAtMs,
  elapsedMs,
  request,
  response,
  sanitizer,
  facts,
}: {
  readonly startedAtMs: number;
  readonly elapsedMs: number;
  readonly request: Message & { readonly method: string; readonly url: URL };
  readonly response: Message & { readonly status: number };
  readonly sanitizer: Sanitizer;
  readonly facts: EntryFacts;
}): HarEntry {
  const { url } = request;
  const query = sanitizer.parameters(url.searchParams);
  const search = query.size === 0 ? '' : `?${query.toString()}`;
  const { text, mimeType = 'application/octet-stream' } = request;
  const time = Math.round(elapsedMs * 10) / 10;
  return {
    startedDateTime: new Date(startedAtMs).toISOString(),
    time,
    request: {
      method: request.method,
      url: `${url.origin}${sanitizer.path(url.pathname)}${search}`,
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: listed(request.headers),
      queryString: listed(Object.fromEntries(query)),
      ...(text === undefined ? {} : { postData: { mimeType, text } }),
      headersSize: -1,
      bodySize: request.size ?? 0,
    },
    response: {
      status: response.status,
      statusText: '',
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: listed(response.headers),
      content: {
        size: response.size ?? 0,
        mimeType: response.mimeType ?? 'x-unknown',
        ...(response.text === undefined ? {} : { text: response.text }),
      },
      redirectURL: '',
      headersSize: -1,
      bodySize: response.size ?? 0,
    },
    cache: {},
    timings: { send: 0, wait: time, receive: 0 },
    _playbook: facts,
  };
}

/** What the service's answers of a kind are described by. */
function schemasOf(integration: Integration, kind: RecordedExchange['kind']): readonly z.ZodType[] {
  const described: Partial<Record<RecordedExchange['kind'], { readonly response: z.ZodType } | undefined>> = {
    submit: integration.submit,
    poll: integration.status,
    fetch: integration.fetch,
    lookup: integration.lookup,
    cancel: integration.cancel,
  };
  const endpoint = described[kind];
  return endpoint === undefined ? [] : [endpoint.response];
}

/** A body that may be shown. What is neither JSON, nor a form, nor text is left out. */
function bodyOf(
  bytes: Uint8Array,
  contentType: string | undefined,
  sanitizer: Sanitizer,
  schemas: readonly z.ZodType[],
): { readonly mimeType: string; readonly text?: string; readonly size: number } {
  const mimeType = contentType ?? 'application/octet-stream';
  const size = bytes.byteLength;
  if (size === 0) return { mimeType, size };
  const text = Buffer.from(bytes).toString('utf8');
  const json = parsed(text);
  if (json !== undefined) return { mimeType, size, text: JSON.stringify(sanitizer.json(json.value, schemas)) };
  if (mimeType.startsWith(FORM)) {
    return { mimeType, size, text: sanitizer.parameters(new URLSearchParams(text)).toString() };
  }
  return mimeType.startsWith('text/') ? { mimeType, size, text: sanitizer.text(text) } : { mimeType, size };
}

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function pairs(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? ''] as [string, string]] : []));
}

function listed(headers: Readonly<Record<string, string>>): readonly NameValue[] {
  return Object.entries(headers).map(([name, value]) => ({ name, value }));
}
