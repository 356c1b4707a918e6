import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Integration } from '../definition/index.ts';
import type { RecordedExchange } from '../http/service-client.ts';
import { isSameCall, requestDifferences, requestLine } from './compare.ts';
import { exchangeEntry } from './entries.ts';
import type { HarEntry } from './har.ts';
import type { Sanitizer } from './sanitizer.ts';
import type { Script, ScriptStep } from './script.ts';
import { messageOf } from '../rules/message-of.ts';

export interface ReplayServerOptions {
  readonly integration: Integration;
  readonly script: Script;
  readonly sanitizer: Sanitizer;
  /** The origin that was recorded: what is shown and compared has it. */
  readonly origin: string;
  /** The path of the token endpoint, where the configuration has one. */
  readonly tokenPath: string | undefined;
  /** Sends a recorded webhook; resolves with what differs in how it is taken. `received`: the text of all requests so far, where the job's own callback URL stands. */
  readonly sendWebhook: (webhook: HarEntry, received: string) => Promise<string | undefined>;
}

/** Plays the service: answers as was recorded, in the order that was recorded. */
export interface ReplayServer {
  readonly url: string;
  /** What differed so far, one sentence each. */
  readonly differences: readonly string[];
  /** Requests answered so far. */
  readonly answered: () => number;
  /** Resolves with the first request that is not the next recorded one, or webhook that is not taken: nothing can be compared any more. */
  readonly lost: Promise<void>;
  readonly close: () => Promise<void>;
}

/** Headers that belong to one connection or one moment. */
const NOT_REPLAYED = new Set(['connection', 'content-length', 'date', 'keep-alive', 'set-cookie', 'transfer-encoding']);

/** Starts the replaying service on a free port of this machine. */
export async function startReplayServer(options: ReplayServerOptions): Promise<ReplayServer> {
  const { integration, script, sanitizer, origin, tokenPath } = options;
  const differences: string[] = [];
  let next = 0;
  let received = '';
  let loseIt: () => void = () => undefined;
  const lost = new Promise<void>((resolve) => (loseIt = resolve));
  const differ = (difference: string): void => {
    if (!differences.includes(difference)) differences.push(difference);
  };

  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { body, bytes } = await readBody(request);
    received += `${request.url ?? ''}\n${JSON.stringify(request.headers)}\n${body?.toString() ?? ''}\n`;
    const path = request.url ?? '/';
    const isToken = tokenPath !== undefined && path.split('?')[0] === tokenPath;
    const now = exchangeEntry(integration, seen(request, { origin, body, bytes, isToken }), sanitizer);
    if (isToken) {
      answerToken(now, response);
      return;
    }
    const step = script.steps[next];
    if (step === undefined || !isSameCall(step.entry, now)) {
      differ(lostWay(script.steps, next, now));
      response.writeHead(503).end();
      loseIt();
      return;
    }
    next += 1;
    const place = `request ${next} (${requestLine(step.entry)})`;
    for (const difference of requestDifferences(step.entry, now)) differ(`${place}: ${difference}`);
    for (const webhook of step.webhooksBefore) await send(webhook);
    answer(step.entry, response);
    for (const webhook of step.webhooksAfter) await send(webhook);
  };

  const send = async (webhook: HarEntry): Promise<void> => {
    const difference = await options.sendWebhook(webhook, received);
    if (difference === undefined) return;
    differ(difference);
    loseIt(); // the job would wait in vain for what it was told
  };

  const answerToken = (now: HarEntry, response: ServerResponse): void => {
    const [recorded] = script.tokens;
    if (recorded === undefined) differ(`a token is asked for (${requestLine(now)}); none was in the recording`);
    else for (const difference of requestDifferences(recorded, now)) differ(`token request: ${difference}`);
    const granted = JSON.parse(recorded?.response.content.text ?? '{}') as Record<string, unknown>;
    const grant = { token_type: 'Bearer', ...granted, access_token: 'replayed-token', expires_in: 3600 };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(grant));
  };

  const server = createServer((request, response) => {
    take(request, response).catch((error: unknown) => {
      differ(`the replay itself failed: ${messageOf(error)}`);
      request.socket.destroy();
      loseIt();
    });
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    differences,
    answered: () => next,
    lost,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What became of the request instead, if it is in the recording at all. */
function lostWay(steps: readonly ScriptStep[], next: number, now: HarEntry): string {
  const expected = steps[next]?.entry;
  const line = requestLine(now);
  if (expected === undefined) return `${line} comes after the last recorded request`;
  const elsewhere = steps.findIndex(({ entry }) => isSameCall(entry, now));
  const instead =
    elsewhere === -1 ? 'which was not recorded' : `which was recorded as request ${elsewhere + 1}: another order`;
  return `request ${next + 1} should be ${requestLine(expected)}, but it is ${line}, ${instead}`;
}

function answer(
  { response: { status, headers, content }, _playbook: { failure } }: HarEntry,
  to: ServerResponse,
): void {
  if (failure !== undefined) {
    // Without an answer it stays without one: a timeout is waited for, anything else breaks off.
    if (failure.code !== 'SERVICE_TIMEOUT') to.destroy();
    return;
  }
  for (const { name, value } of headers) {
    if (!NOT_REPLAYED.has(name.toLowerCase()) && !value.includes('[redacted')) to.setHeader(name, value);
  }
  to.writeHead(status).end(content.text ?? '');
}

/** A request that came here, in the form in which requests are recorded. */
function seen(
  request: IncomingMessage,
  {
    origin,
    body,
    bytes,
    isToken,
  }: {
    readonly origin: string;
    readonly body: Buffer | undefined;
    readonly bytes: number;
    readonly isToken: boolean;
  },
): RecordedExchange {
  const headers = Object.entries(request.headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')]);
  return {
    kind: isToken ? 'token' : 'poll',
    method: request.method ?? 'GET',
    origin,
    path: request.url ?? '/',
    requestHeaders: Object.fromEntries(headers) as Record<string, string>,
    credentialHeaders: [],
    ...(body === undefined ? { streamedBytes: bytes } : { requestBody: body }),
    startedAtMs: 0,
    elapsedMs: 0,
  };
}

/** What a body may be that is looked into; anything else is counted only, as it was when it was recorded. */
const READABLE = /^(?:application\/(?:[\w.+-]*json|x-www-form-urlencoded)|text\/)/;
const MAX_READ = 4 * 1024 * 1024;

async function readBody(request: IncomingMessage): Promise<{ body: Buffer | undefined; bytes: number }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MAX_READ) chunks.push(chunk);
  }
  const isReadable = bytes > 0 && bytes <= MAX_READ && READABLE.test(request.headers['content-type'] ?? '');
  return { body: isReadable ? Buffer.concat(chunks) : undefined, bytes };
}
