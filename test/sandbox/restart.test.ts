import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startSandbox } from '../../src/sandbox/index.ts';
import type { Sandbox, SandboxOptions } from '../../src/sandbox/index.ts';
import { openJournal } from '../../src/sandbox/state/journal.ts';
import { callerOf, start, stop, token, until } from './support/api.ts';
import type { Caller, Json } from './support/api.ts';
import { isGenuine, startReceiver } from './support/receiver.ts';

let folder = '';
let statePath = '';
const children = new Set<ChildProcess>();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandbox-state-'));
  statePath = join(folder, 'state', 'docproc.jsonl');
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  await rm(folder, { recursive: true });
});

/** Starts a sandbox in a process of its own and a caller for it. */
async function spawnSandbox(
  options: SandboxOptions,
): Promise<{ readonly api: Caller; readonly kill: () => Promise<void> }> {
  const script = fileURLToPath(new URL('support/run-sandbox.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
  });
  children.add(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const sandbox = { url: line.toString('utf8').trim() } as Sandbox;
  return {
    api: callerOf(sandbox, { authorization: `Bearer ${await token(sandbox)}` }),
    kill: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

const requestsOf = async (api: Caller): Promise<Json[]> =>
  (await api.control('GET', 'requests?accepted=true')).json['requests'] as Json[];

describe('a sandbox killed by kill -9', () => {
  it('has kept every job, answer, file and webhook when it is started again', async () => {
    const options = {
      statePath,
      limit: { rate: 10_000 },
      processing: { minMs: 400, maxMs: 400 },
      webhookRetry: { delaysMs: [300, 300, 300] },
    };
    const refusing = await startReceiver(() => ({ status: 500 }));
    const first = await spawnSandbox(options);
    const input = await first.api.upload(Buffer.from('survivor'));
    const done = await first.api.submit(input, { callback_url: refusing.url }, 'done');
    const finished = await first.api.ended(done.json['id']);
    await until(() => refusing.received.length > 0);
    const open = await first.api.submit(input, { reference: 'open' }, 'open');
    await first.kill();

    const receiver = await startReceiver();
    const second = await spawnSandbox(options);
    expect((await second.api.call('GET', `/v3/jobs/${String(done.json['id'])}`)).json).toEqual(finished);
    const replayed = await second.api.submit(input, { reference: 'open' }, 'open');
    expect(replayed).toMatchObject({ status: 202, json: open.json });
    expect(replayed.headers.get('idempotent-replayed')).toBe('true');
    expect(await second.api.ended(open.json['id'])).toMatchObject({
      status: 'COMPLETED',
      result: { text: 'survivor' },
    });
    expect(await requestsOf(second.api)).toMatchObject([
      { key: 'done', restored: true, method: 'POST', path: '/v3/jobs' },
      { key: 'open', restored: true },
    ]);
    await until(() => refusing.received.length >= 2);
    expect(new Set(refusing.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(refusing.received.every(isGenuine)).toBe(true);
    expect(receiver.received).toEqual([]);
    await second.kill();
  });

  it('made one job of each key, whenever it was killed', async () => {
    const options = { statePath, limit: { rate: 10_000 }, processing: { minMs: 0, maxMs: 0 } };
    const keys = Array.from({ length: 60 }, (_, index) => `key-${index}`);
    const answered = new Map<string, unknown>();
    for (let round = 0; round < 3; round += 1) {
      const { api, kill } = await spawnSandbox(options);
      const input = await api.upload(Buffer.from('x'));
      const submitting = Promise.allSettled(
        keys.map(async (key) => {
          const { json, status } = await api.submit(input, {}, key);
          expect(status).toBe(202);
          expect(answered.get(key) ?? json['id']).toBe(json['id']);
          answered.set(key, json['id']);
        }),
      );
      await until(() => answered.size >= (round + 1) * 20);
      await kill();
      const broken = (await submitting).filter(({ status }) => status === 'rejected');
      for (const { reason } of broken as PromiseRejectedResult[])
        expect(String(reason)).toMatch(/fetch failed|terminated/);
    }
    const { api, kill } = await spawnSandbox(options);
    const accepted = await requestsOf(api);
    expect(new Set(accepted.map(({ key }) => key)).size).toBe(accepted.length);
    for (const [key, id] of answered) {
      expect(await api.ended(id)).toMatchObject({ id, status: 'COMPLETED' });
      expect(accepted.filter((entry) => entry['key'] === key)).toHaveLength(1);
    }
    await kill();
  });
});

describe('the state file', () => {
  it('keeps what a plain close leaves, and is compacted by the next start', async () => {
    const first = await start({ statePath });
    const job = await first.process(Buffer.from('kept'));
    await stop(first.sandbox);
    const before = (await stat(statePath)).size;
    const second = await start({ statePath });
    expect((await second.call('GET', `/v3/jobs/${String(job['id'])}`)).json).toEqual(job);
    expect((await stat(statePath)).size).toBeLessThan(before);
    const { json } = await second.submit(String(job['input']));
    const list = (await second.call('GET', '/v3/jobs')).json['data'] as Json[];
    expect(list.map(({ id }) => id)).toEqual([job['id'], json['id']]);
  });

  it('may end in a torn line', async () => {
    const first = await start({ statePath });
    const job = await first.process(Buffer.from('kept'));
    await stop(first.sandbox);
    await appendFile(statePath, '[["job","job_torn",{"id":"job_to');
    const second = await start({ statePath });
    const list = (await second.call('GET', '/v3/jobs')).json['data'] as Json[];
    expect(list.map(({ id }) => id)).toEqual([job['id']]);
    expect(await readFile(statePath, 'utf8')).not.toContain('job_torn');
  });

  it('is refused, not overwritten, when it is damaged elsewhere', async () => {
    openJournal(statePath).close();
    await writeFile(statePath, '[["gone","x",{"atMs":1}]]\nrubbish\n[]\n');
    await expect(startSandbox({ statePath })).rejects.toMatchObject({
      name: 'SandboxError',
      code: 'STATE_CORRUPT',
      message: expect.stringContaining('unreadable at line 2'),
    });
    expect(await readFile(statePath, 'utf8')).toContain('rubbish');
  });

  it('is not written to any more once it is closed', () => {
    const journal = openJournal(statePath);
    journal.close();
    expect(() => journal.append([])).toThrow('the journal is closed');
  });

  it('drops answers whose key has expired', async () => {
    const first = await start({ statePath, idempotencyTtlMs: 1 });
    await first.submit(await first.upload(Buffer.from('a')), {}, 'key');
    await stop(first.sandbox);
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
    await start({ statePath });
    expect(await readFile(statePath, 'utf8')).not.toContain('"answer"');
  });

  it('fails a job whose bytes have been taken away, and says so in the log', async () => {
    const warnings: string[] = [];
    const api = await start({
      statePath,
      logger: { info: () => undefined, warn: (_f, text) => void warnings.push(text) },
    });
    const input = await api.upload(Buffer.from('lost'));
    await rm(`${statePath}.blobs`, { recursive: true });
    const { json } = await api.submit(input);
    expect(await api.ended(json['id'])).toMatchObject({ status: 'FAILED', error: { code: 'INTERNAL' } });
    expect(warnings).toEqual(['job could not be processed']);
  });

  it('answers 500 without a word of why when a result has been taken away', async () => {
    const api = await start({ statePath });
    const job = await api.process(Buffer.from('lost'));
    await rm(`${statePath}.blobs`, { recursive: true });
    expect(await api.call('GET', `/v3/jobs/${String(job['id'])}`)).toMatchObject({
      status: 500,
      json: { error: { code: 'INTERNAL', message: 'Something went wrong in the service.' } },
    });
  });
});
