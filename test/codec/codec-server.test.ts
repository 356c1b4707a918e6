import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { defaultPayloadConverter } from '@temporalio/common';
import { createCodecServer, createEncryptionCodec, parseCodecKeys } from '../../src/codec/index.ts';
import type { CodecServer, CodecServerOptions } from '../../src/codec/index.ts';
import { payloadsToJson } from '../../src/codec/payload-json.ts';
import { PlaybookError } from '../../src/contracts/errors.ts';

const UI = 'http://localhost:8233';
const key = randomBytes(32).toString('base64');
const codec = createEncryptionCodec({ keys: parseCodecKeys('k1=env:K'), resolve: async () => key });

const servers: CodecServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(options: Partial<CodecServerOptions> = {}): Promise<CodecServer> {
  const server = await createCodecServer({ codec, port: 0, origins: [UI], ...options });
  servers.push(server);
  return server;
}

function post(url: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
}

describe('the codec server', () => {
  it('decodes for the Web UI what the worker encoded, and encodes', async () => {
    const { url } = await start();
    const clear = payloadsToJson([defaultPayloadConverter.toPayload({ text: 'grüße' }), {}]);
    const encoded = await post(`${url}/encode`, JSON.stringify(clear), { 'x-namespace': 'default' });
    const encodedJson = (await encoded.json()) as typeof clear;
    expect(Buffer.from(encodedJson.payloads[0]?.metadata?.['encoding'] ?? '', 'base64').toString()).toBe(
      'binary/encrypted',
    );
    const decoded = await post(`${url}/decode`, JSON.stringify(encodedJson), { origin: UI });
    expect(decoded.status).toBe(200);
    expect(((await decoded.json()) as typeof clear).payloads[0]).toEqual(clear.payloads[0]);
    expect(decoded.headers.get('access-control-allow-origin')).toBe(UI);
    expect(decoded.headers.get('cache-control')).toBe('no-store');
  });

  it('answers the browser’s question beforehand', async () => {
    const { url } = await start();
    const answer = await fetch(`${url}/decode`, {
      method: 'OPTIONS',
      headers: { origin: UI, 'access-control-request-method': 'POST' },
    });
    expect(answer.status).toBe(204);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'access-control-allow-origin': UI,
      'access-control-allow-methods': 'POST, OPTIONS',
      'access-control-allow-headers': 'authorization, content-type, x-namespace',
      'access-control-allow-credentials': 'true',
      vary: 'origin',
    });
  });

  it('turns away pages from elsewhere', async () => {
    const { url } = await start();
    const answer = await post(`${url}/decode`, '{"payloads":[]}', { origin: 'https://evil.example' });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('asks `authorize` where there is one', async () => {
    const { url } = await start({ host: '0.0.0.0', authorize: (authorization) => authorization === 'Bearer ui' });
    const here = url.replace('0.0.0.0', '127.0.0.1');
    expect((await post(`${here}/decode`, '{"payloads":[]}')).status).toBe(401);
    expect((await post(`${here}/decode`, '{"payloads":[]}', { authorization: 'Bearer ui' })).status).toBe(200);
  });

  it.each([
    '',
    '[]',
    '{}',
    '{"payloads":{}}',
    '{"payloads":[1]}',
    '{"payloads":[{"data":1}]}',
    '{"payloads":[{"metadata":[]}]}',
    '{"payloads":[{"metadata":{"a":1}}]}',
  ])('answers 400 to %j', async (body) => {
    const { url } = await start();
    expect((await post(`${url}/decode`, body)).status).toBe(400);
  });

  it('answers 404, 405, 413 and 422 where they belong', async () => {
    const { url } = await start();
    expect((await post(`${url}/other`, '{}')).status).toBe(404);
    expect((await fetch(`${url}/decode`)).status).toBe(405);
    expect((await post(`${url}/decode`, 'x'.repeat(9 * 1024 * 1024))).status).toBe(413);
    const unknownKey = { metadata: { encoding: btoa('binary/encrypted'), 'encryption-key-id': btoa('k9') } };
    const answer = await post(`${url}/decode`, JSON.stringify({ payloads: [unknownKey] }));
    expect(answer.status).toBe(422);
    expect(await answer.json()).toEqual({
      message: 'A payload was encrypted with key "k9", which is none of: k1. Add that key after the first one.',
    });
  });

  it('says nothing of a failure it does not know', async () => {
    const broken = { ...codec, decode: () => Promise.reject(new Error('c4nary')) };
    const { url } = await start({ codec: broken });
    const answer = await post(`${url}/decode`, '{"payloads":[]}');
    expect([answer.status, await answer.json()]).toEqual([422, { message: 'A payload cannot be read.' }]);
  });

  it('goes on after a caller that hangs up', async () => {
    const { url } = await start();
    const { port } = new URL(url);
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write('POST /decode HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{', () => {
          socket.destroy();
          resolve();
        });
      });
    });
    expect((await post(`${url}/decode`, '{"payloads":[]}')).status).toBe(200);
  });

  it('refuses to decrypt for a network, and to share a port', async () => {
    await expect(start({ host: '0.0.0.0' })).rejects.toThrow(
      new PlaybookError(
        'CONFIG_INVALID',
        'The codec server would decrypt for anyone who reaches 0.0.0.0. Let it listen on 127.0.0.1, or give it `authorize`.',
      ),
    );
    const { url } = await start();
    const port = Number(new URL(url).port);
    await expect(start({ port })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: `Port ${port} on 127.0.0.1 is taken; choose another one for the codec server.`,
    });
    await expect(start({ host: '127.999.0.1' })).rejects.toThrow('ENOTFOUND');
  });
});
