import { createHash, randomUUID } from 'node:crypto';
import { afterEach } from '@jest/globals';
import { defaultClient, startSandbox } from '../../../src/sandbox/index.ts';
import type { Sandbox, SandboxOptions } from '../../../src/sandbox/index.ts';

export type Json = Record<string, unknown>;

/** One answer, read to its end. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Json;
}

interface CallOptions {
  readonly headers?: Record<string, string>;
  readonly body?: Buffer | string;
  /** Sent without the caller's token. */
  readonly anonymous?: boolean;
}

/** A caller of one sandbox that has its token. */
export interface Caller {
  readonly sandbox: Sandbox;
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Reply>;
  readonly upload: (bytes: Buffer, type?: string) => Promise<string>;
  /** Submits a job for uploaded bytes. */
  readonly submit: (input: string, more?: Json, key?: string) => Promise<Reply>;
  /** Waits until the job has ended. */
  readonly ended: (id: unknown) => Promise<Json>;
  /** Uploads, submits and waits. */
  readonly process: (bytes: Buffer, type?: string, format?: string) => Promise<Json>;
  readonly control: (method: string, path: string, body?: unknown) => Promise<Reply>;
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function read(response: Response): Promise<Reply> {
  const text = await response.text();
  const isJson = response.headers.get('content-type') === 'application/json';
  return { status: response.status, headers: response.headers, text, json: isJson ? (JSON.parse(text) as Json) : {} };
}

/** Asks for a token. */
export async function token(sandbox: Sandbox, scope?: string): Promise<string> {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: defaultClient.id,
    client_secret: defaultClient.secret,
    ...(scope === undefined ? {} : { scope }),
  });
  const reply = await read(await fetch(`${sandbox.url}/oauth/token`, { method: 'POST', body: form }));
  return String(reply.json['access_token']);
}

const running = new Set<Sandbox>();
afterEach(async () => {
  await Promise.all([...running].map((sandbox) => sandbox.close()));
  running.clear();
});

/** Ends a sandbox before the test does. */
export async function stop(sandbox: Sandbox): Promise<void> {
  running.delete(sandbox);
  await sandbox.close();
}

/** Starts a sandbox that is fast and closed after the test, and a caller with a token for it. */
export async function start(options: SandboxOptions = {}, headers?: Record<string, string>): Promise<Caller> {
  const sandbox = await startSandbox({
    processing: { minMs: 0, maxMs: 0 },
    limit: { rate: 10_000 },
    webhookRetry: { delaysMs: [20, 40, 60] },
    ...options,
  });
  running.add(sandbox);
  const auth = headers ?? { authorization: `Bearer ${await token(sandbox)}` };
  return callerOf(sandbox, auth);
}

export function callerOf(sandbox: Sandbox, auth: Record<string, string>): Caller {
  const call: Caller['call'] = async (method, path, { headers = {}, body, anonymous = false } = {}) =>
    read(
      await fetch(sandbox.url + path, {
        method,
        headers: { ...(anonymous ? {} : auth), ...headers },
        ...(body === undefined ? {} : { body }),
        redirect: 'manual',
      }),
    );

  const upload: Caller['upload'] = async (bytes, type = 'text/plain') => {
    const reply = await call('PUT', `/v3/files/${sha256(bytes)}`, { headers: { 'content-type': type }, body: bytes });
    if (reply.status > 201) throw new Error(`upload answered ${reply.status}: ${reply.text}`);
    return `sha256:${sha256(bytes)}`;
  };

  const submit: Caller['submit'] = (input, more = {}, key = randomUUID()) =>
    call('POST', '/v3/jobs', {
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ input, options: { format: 'text' }, ...more }),
    });

  const ended: Caller['ended'] = async (id) => {
    for (;;) {
      const { json } = await call('GET', `/v3/jobs/${String(id)}`);
      if (json['status'] !== 'PROCESSING') return json;
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
    }
  };

  return {
    sandbox,
    call,
    upload,
    submit,
    ended,
    process: async (bytes, type, format = 'text') =>
      ended((await submit(await upload(bytes, type), { options: { format } })).json['id']),
    control: async (method, path, body) =>
      call(method, `/_sandbox/${path}`, {
        anonymous: true,
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
  };
}

/** Puts values in an order of their own, to compare what may come in any. */
export const sorted = (values: Iterable<unknown>): string[] =>
  Array.from(values, String).toSorted((a, b) => a.localeCompare(b));

/** Waits until a condition holds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}
