import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parseConfig, schemaFiles } from '../../../../src/definition/index.ts';
import { start } from '../../../../test/sandbox/support/api.ts';
import { makePdf } from '../../../../test/sandbox/support/pdfs.ts';
import { startReceiver } from '../../../../test/sandbox/support/receiver.ts';
import { integration } from '../../src/index.ts';

const folder = new URL('../../', import.meta.url);
const pinned = async (name: string): Promise<object> =>
  JSON.parse(await readFile(new URL(`schemas/${name}-v3.4.2.json`, folder), 'utf8')) as object;

describe('the pinned schemas', () => {
  it('are those of the definition; `playbook gen docproc` writes them', async () => {
    const names = await readdir(new URL('schemas', folder));
    const written = names
      .filter((name) => name.endsWith('.json'))
      .map(async (name) => {
        const text = await readFile(new URL(`schemas/${name}`, folder), 'utf8');
        return [name, JSON.parse(text)] as const;
      });
    expect(Object.fromEntries(await Promise.all(written))).toEqual(schemaFiles(integration));
  });

  it('fit what docproc really answers, in every state', async () => {
    const receiver = await startReceiver();
    const api = await start();
    const input = await api.upload(await makePdf(['one', 'two']), 'application/pdf');
    const accepted = (await api.submit(input, { callback_url: receiver.url, reference: 'ours~1' })).json;
    const completed = await api.ended(accepted['id']);
    const failed = await api.process(Buffer.from('no PDF'), 'application/pdf');
    const listed = (await api.call('GET', '/v3/jobs')).json;
    while (receiver.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const ajv = new Ajv2020();
    for (const [name, answers] of Object.entries({
      'job-accepted': [accepted],
      'job-response': [accepted, completed, failed],
      list: [listed],
      webhook: receiver.received.map(({ json }) => json),
    })) {
      const validate = ajv.compile(await pinned(name));
      for (const answer of answers) expect([name, validate(answer), validate.errors]).toEqual([name, true, null]);
    }
  });
});

describe('config.example.yaml', () => {
  it('is a valid configuration with the figures of the guide', async () => {
    const config = parseConfig(await readFile(new URL('config.example.yaml', folder), 'utf8'), { service: 'docproc' });
    expect(config.service).toMatchObject({
      timeouts: { connect_ms: 1000, read_ms: 4000 },
      retry: { max_attempts: 3, backoff_ms: [200, 400, 800] },
      rate_limit: { qps_cap: 8 },
    });
    expect(config.auth).toMatchObject({ type: 'oauth_client_credentials', scopes: ['jobs.write', 'jobs.read'] });
  });
});

describe('E1: an invalid payload', () => {
  it.each([
    ['no input', {}, 'input'],
    ['an unknown format', { input: `sha256:${'0'.repeat(64)}`, options: { format: 'docx' } }, 'options.format'],
    ['a field docproc does not know', { input: `sha256:${'0'.repeat(64)}`, options: { format: 'text' }, x: 1 }, 'x'],
  ])('(%s) is answered 400 VALIDATION with the field, and no job exists', async (_, body, field) => {
    const api = await start();
    const answer = await api.call('POST', '/v3/jobs', {
      headers: { 'content-type': 'application/json', 'idempotency-key': 'e1' },
      body: JSON.stringify(body),
    });
    expect([answer.status, answer.json['error']]).toMatchObject([400, { code: 'VALIDATION', field }]);
    expect((await api.call('GET', '/v3/jobs')).json['data']).toEqual([]);
  });
});
