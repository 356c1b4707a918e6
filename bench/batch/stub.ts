/** An external service that costs next to nothing: argument 1 is {@link StubOptions} as JSON. Remembers what it was sent, for the audit. */
import { createHmac } from 'node:crypto';
import { Agent, createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import type { StubOptions } from './stubbed.ts';

interface StubJob {
  readonly id: string;
  readonly key: string;
  readonly reference: string;
  readonly text: string;
  readonly callbackUrl: string | undefined;
  done: boolean;
}

const { port, secret, faulty, processingMs } = JSON.parse(process.argv[2] ?? '') as StubOptions;
const hmacKey = Buffer.from(secret.replace('whsec_', ''), 'base64');
/**
 * Webhooks under way at once. A receiver that gathers a batch's webhooks holds each until its signal is accepted: with too few
 * connections for that, whatever comes behind, a single job's webhook too, waits in the sender, and the sender is measured.
 */
const agent = new Agent({ keepAlive: true, maxSockets: 512 });
const byKey = new Map<string, StubJob>();
const byId = new Map<string, StubJob>();
const refused = new Set<string>();
const posts: number[] = [];
let repeated = 0;
let webhooks = 0;

/** A number from 0 to 99 that is always the same for one job and kind of fault. */
function share(reference: string, salt: string): number {
  let hash = 0x81_1c_9d_c5;
  for (const character of reference + salt) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01_00_01_93);
  return (hash >>> 0) % 100;
}

const render = (job: StubJob): object => ({
  id: job.id,
  reference: job.reference,
  status: job.done ? 'DONE' : 'RUNNING',
  ...(job.done ? { result: { text: job.text } } : {}),
});

function answer(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

function notify(job: StubJob, tries = 0): void {
  const { callbackUrl, id } = job;
  if (callbackUrl === undefined || tries > 300) return;
  const body = JSON.stringify({ type: 'done', data: render(job) });
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const signature = createHmac('sha256', hmacKey).update(`evt_${id}.${timestamp}.${body}`).digest('base64');
  const again = (): void => void setTimeout(notify, 500, job, tries + 1);
  const outgoing = send(
    callbackUrl,
    {
      agent,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'webhook-id': `evt_${id}`,
        'webhook-timestamp': timestamp,
        'webhook-signature': `v1,${signature}`,
      },
    },
    (got) => {
      got.resume();
      if (got.statusCode !== 200) again();
    },
  );
  outgoing.on('error', again);
  outgoing.end(body);
  webhooks += 1;
}

async function bodyOf(request: IncomingMessage): Promise<{ text: string; reference: string; callback_url?: string }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as { text: string; reference: string; callback_url?: string };
}

const failedOnce = new Set<string>();

async function submit(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const key = String(request.headers['idempotency-key']);
  const { text, reference, callback_url: callbackUrl } = await bodyOf(request);
  posts.push(Date.now());
  if (faulty && share(reference, 'bad') < 1) {
    refused.add(reference);
    return answer(response, 422, { error: { code: 'BAD_DOCUMENT', message: 'It cannot be read.' } });
  }
  const fails = faulty && share(reference, '5xx') < 5 && !failedOnce.has(key);
  if (fails) failedOnce.add(key);
  // Half of them before the job was made, half after.
  if (fails && share(reference, 'half') < 50) return answer(response, 503, {});
  let job = byKey.get(key);
  if (job !== undefined) repeated += 1;
  else {
    job = { id: `x${byKey.size}`, key, reference, text, callbackUrl, done: false };
    byKey.set(key, job);
    byId.set(job.id, job);
    const made = job;
    setTimeout(
      () => {
        made.done = true;
        if (faulty && share(reference, 'lost') < 5) return;
        notify(made);
        if (faulty && share(reference, 'twice') < 2) notify(made);
      },
      processingMs.min + Math.random() * (processingMs.max - processingMs.min),
    );
  }
  return fails ? answer(response, 500, {}) : answer(response, 202, render(job));
}

function worstSecond(): number {
  let worst = 0;
  let from = 0;
  for (let to = 0; to < posts.length; to += 1) {
    while ((posts[to] ?? 0) - (posts[from] ?? 0) >= 1_000) from += 1;
    worst = Math.max(worst, to - from + 1);
  }
  return worst;
}

const server = createServer((request, response) => {
  const path = request.url ?? '';
  if (request.method === 'POST' && path === '/jobs') {
    void submit(request, response);
    return;
  }
  if (path === '/audit') {
    const references = [...byKey.values()].map(({ reference }) => reference);
    return answer(response, 200, {
      jobs: byKey.size,
      references: new Set(references).size,
      refused: refused.size,
      posts: posts.length,
      repeated,
      webhooks,
      worstSecond: worstSecond(),
      firstMs: posts[0] ?? 0,
      lastMs: posts.at(-1) ?? 0,
    });
  }
  const job = byId.get(path.slice('/jobs/'.length));
  return job === undefined ? answer(response, 404, {}) : answer(response, 200, render(job));
});
server.keepAliveTimeout = 60_000;
server.listen(port, '127.0.0.1', () => process.stdout.write('ready\n'));
process.stdin.once('end', () => process.exit(1)).resume();
