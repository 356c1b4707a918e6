import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { loadIntegration, loadSamples } from '../../src/definition/index.ts';
import type { EndpointRequest } from '../../src/definition/index.ts';
import { defaultClient, startSandbox } from '../../src/sandbox/index.ts';
import type { Sandbox, SandboxOptions } from '../../src/sandbox/index.ts';
import { fileSample } from '../../src/testing/file-sample.ts';
import { playbook } from '../cli/helpers/test-io.ts';
import { ROOT } from '../docs/markdown.ts';
import { until } from '../helpers/until.ts';
import { isGenuine, startReceiver } from '../sandbox/support/receiver.ts';
import type { Received } from '../sandbox/support/receiver.ts';
import { copyProject } from './project-copy.ts';

const project = copyProject('docproc');
const running: Sandbox[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((sandbox) => sandbox.close()));
});
afterAll(() => project.close());

/** Writes the integration a document proposes, and starts the sandbox it proposes. */
async function proposed(service: string, headers: Readonly<Record<string, string>>) {
  const from = join(ROOT, 'test/authoring/documents', `${service}.yaml`);
  const { code, err, out } = await playbook(['new', service, '--from', from, '--json', '--project', project.folder]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const text = (path: string): string => readFileSync(join(project.folder, 'integrations', service, path), 'utf8');
  const sandbox = await startSandbox({
    ...(parse(text('sandbox.yaml')) as SandboxOptions),
    processing: { minMs: 0, maxMs: 0 },
  });
  running.push(sandbox);
  const send = async ({ method, path, query = {}, json }: EndpointRequest): Promise<unknown> => {
    const url = new URL(path, sandbox.url);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, `${value}`);
    const body = json === undefined ? {} : { body: JSON.stringify(json) };
    const answer = await fetch(url, { method, headers: { ...headers, 'content-type': 'application/json' }, ...body });
    expect(answer.ok).toBe(true);
    return answer.json();
  };
  const root = join(project.folder, 'integrations');
  const integration = await loadIntegration(root, service);
  const { status, submit, list } = integration;
  const job = {
    submit: async (input: unknown, key: string, callbackUrl?: string) => {
      const context = {
        input: integration.input.parse(input),
        reference: `${key}~1`,
        idempotencyKey: key,
        ...(callbackUrl === undefined ? {} : { callbackUrl }),
      };
      return submit.read(submit.response.parse(await send(submit.request(context))), context);
    },
    look: async (externalId: string) =>
      status.read(status.response.parse(await send(status.request({ externalId }))), { externalId }),
    page: async (context: { readonly cursor?: string; readonly limit: number }) =>
      list?.read(list.response.parse(await send(list.request(context))), context),
    ended: (externalId: string) =>
      until(`${externalId} has ended`, async () => {
        const { word } = await job.look(externalId);
        return integration.states[word] !== 'PROCESSING';
      }),
  };
  const { guesses } = JSON.parse(out) as { readonly guesses: readonly string[] };
  return { integration, samples: await loadSamples(root, service), sandbox, send, text, guesses, job };
}

describe('what `playbook new` makes of a document works with the sandbox it makes of it', () => {
  it('where a field of the body is the key and pages have numbers', async () => {
    const { integration, samples, sandbox, send, job, text, guesses } = await proposed('voices', {
      authorization: `Bearer ${defaultClient.secret}`,
    });
    expect(samples.valid(1)).toEqual({
      input: { prompt: 'sample 1', speed: 1, loud: true, tags: ['work'], options: { voice: 'calm' } },
    });
    for (const key of ['a', 'a', 'b', 'c']) await job.submit((samples.valid(1) as { input: unknown }).input, key);
    expect(sandbox.requests({ accepted: true }).map(({ key }) => key)).toEqual(['a', 'b', 'c']);
    const first = await job.page({ limit: 2 });
    expect(first).toMatchObject({ next: '2', jobs: [{ reference: 'a~1' }, { reference: 'b~1' }] });
    const [{ externalId } = { externalId: '' }] = first?.jobs ?? [];
    const second = await job.page({ limit: 2, cursor: '2' });
    expect(second).toEqual({ jobs: [expect.objectContaining({ reference: 'c~1' })] });
    await job.ended(externalId);
    expect(await job.look(externalId)).toMatchObject({ word: 'ok', result: { seconds: 1 }, costMicros: 10_000 });
    const failing = samples.failing as { readonly input: unknown; readonly code: string };
    const failed = await job.submit(failing.input, 'd');
    await job.ended(failed.externalId);
    expect(await job.look(failed.externalId)).toMatchObject({ word: 'failed', error: { code: failing.code } });
    const receiver = await startReceiver();
    const told = await job.submit(failing.input, 'e', receiver.url);
    await until('its webhook has come', async () => receiver.received.length > 0);
    const [event] = receiver.received as [Received];
    expect(isGenuine(event)).toBe(true); // by Standard Webhooks
    expect(event.json).toMatchObject({ event: 'call.failed', call: { state: 'failed' } }); // as the document has it
    const { webhook } = integration;
    expect(webhook?.read(webhook.payload.parse(event.json))).toEqual({
      state: 'FAILED',
      externalId: told.externalId,
      reference: 'e~1',
    });
    const found = integration.lookup?.request({ reference: 'b~1' });
    expect(found).toMatchObject({ path: '/v2/calls', query: { correlation_id: 'b~1', per_page: 1 } });
    expect(await send(found as EndpointRequest)).toMatchObject({ total: 1 });
    expect(integration.cancel?.request({ externalId: 'x/1' })).toMatchObject({
      method: 'POST',
      path: '/v2/calls/x%2F1/abort',
    });
    expect(integration).toMatchObject({
      contractVersion: '2.1',
      states: { waiting: 'PROCESSING', running: 'PROCESSING', ok: 'COMPLETED', failed: 'FAILED', aborted: 'CANCELED' },
    });
    expect(text('src/models.ts')).toContain('speed: z.number().min(1).max(3),');
    expect(text('src/models.ts')).toContain('note: z.any().exactOptional(),');
    expect(text('00-scope.md')).toContain('`spoken.transcript` of the result may name people');
    expect(text('config.example.yaml')).toContain('base_url: https://api.voices.example.com\n');
    expect(text('config.example.yaml')).toContain('token: env:VOICES_TOKEN');
    expect(guesses).toContain('A repeated submit is recognised by a field of the body, for 24 hours.');
    expect(guesses.join('\n')).toContain(
      'named in `event`: call.ok, call.failed, call.aborted, with the job as `call`.',
    );
  });

  it('where we choose the id and pages have offsets', async () => {
    const { integration, samples, sandbox, job, text, guesses } = await proposed('scans', {
      'x-key': defaultClient.secret,
    });
    expect(samples).toEqual({ valid: expect.any(Function) });
    expect(samples.valid(1)).toEqual({ input: { dpi: 50, source: {} } });
    const { input } = samples.valid(1) as { readonly input: unknown };
    for (const key of ['mine', 'mine', 'other']) await job.submit(input, key);
    expect(sandbox.requests({ accepted: true }).map(({ key }) => key)).toEqual(['mine', 'other']);
    await job.ended('mine');
    expect(await job.look('mine')).toMatchObject({ externalId: 'mine', result: { pages: [{ text: 'sample' }] } });
    expect(await job.page({ limit: 1 })).toMatchObject({ jobs: [{ externalId: 'mine' }], next: '1' });
    expect(await job.page({ limit: 1, cursor: '2' })).toEqual({ jobs: [] });
    expect(integration).not.toHaveProperty('lookup');
    expect(integration).not.toHaveProperty('webhook'); // nothing takes the URL they would go to
    expect(integration.cancel?.request({ externalId: 'mine' })).toMatchObject({
      method: 'DELETE',
      path: '/scans/mine',
    });
    expect(integration.states).toMatchObject({ PROCESSING: 'PROCESSING', COMPLETED: 'COMPLETED' });
    expect(text('spike-notes.md')).toContain('-X PUT "$BASE/scans/spike-1" -H "X-Key: $KEY" ');
    expect(text('config.example.yaml')).toMatch(/base_url: https:\/\/api\.sandbox\.scans[^]*version: v1\n/);
    expect(guesses.join('\n')).toContain('The document does not list the words of the status');
  });

  it('where files go ahead, of kinds nobody reads, and a repetition is a new job', async () => {
    const credentials = `${defaultClient.id}:${defaultClient.secret}`;
    const { integration, samples, job, sandbox, text, guesses } = await proposed('letters', {
      authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
    });
    const input = await fileSample(integration, samples.valid(2), project.folder);
    expect(input).toMatchObject({ document: { contentType: 'application/pdf', bytes: 15 } });
    const [file] = integration.upload?.files(input) ?? [];
    const upload = integration.upload?.request(file as NonNullable<typeof file>);
    const kept = await fetch(`${sandbox.url}${upload?.path}`, {
      method: upload?.method ?? '',
      headers: {
        authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
        'content-type': 'application/pdf',
      },
      body: 'Sample number 2',
    });
    expect(kept.status).toBe(201);
    const { externalId } = await job.submit(input, 'a');
    expect((await job.submit(input, 'a')).externalId).not.toBe(externalId);
    await job.ended(externalId);
    expect(await job.look(externalId)).toMatchObject({ word: 'done', reference: 'a~1', result: {} });
    expect(integration).not.toHaveProperty('list');
    expect(integration).not.toHaveProperty('cancel');
    expect(integration.submit.idempotency).toEqual({ kind: 'none' });
    expect(text('src/models.ts')).toContain("contentType: z.enum(['application/x-scan', 'application/pdf'])");
    expect(text('README.md')).toContain('The service recognises no repeated submit');
    expect(guesses).toContain('No call cancels a job: a canceled job goes on at the service.');
  });
});
