import { describe, expect, it } from '@jest/globals';
import { runCli } from '../../src/cli/run-cli.ts';
import { codecFromEnvironment } from '../../src/codec/index.ts';
import { payloadsToJson } from '../../src/codec/payload-json.ts';
import { playbook, testIo } from './helpers/test-io.ts';

const env = { PLAYBOOK_CODEC_KEYS: 'k1=env:CODEC_KEY', CODEC_KEY: 'ab'.repeat(32), TOKEN: 'of-the-web-ui' };

describe('playbook codec-server', () => {
  it('decrypts for whoever has the token, until interrupted', async () => {
    const io = testIo({ env });
    const running = runCli(['codec-server', '--port', '0', '--token', 'env:TOKEN', '--origin', 'http://ui'], io);
    await io.sees('The codec server is at');
    const [url = ''] = /http:\/\/127\S+[0-9]/.exec(io.err()) ?? [];
    const encrypted = await codecFromEnvironment(env)?.encode([{ metadata: {}, data: Buffer.from('"hello"') }]);
    const decode = (authorization: string): Promise<Response> =>
      fetch(`${url}/decode`, {
        method: 'POST',
        headers: { authorization, origin: 'http://ui' },
        body: JSON.stringify(payloadsToJson(encrypted ?? [])),
      });
    expect((await decode('Bearer of-a-stranger')).status).toBe(401);
    expect(await (await decode('Bearer of-the-web-ui')).json()).toEqual({
      payloads: [{ metadata: {}, data: Buffer.from('"hello"').toString('base64') }],
    });
    io.ctrlC();
    await expect(running).resolves.toBe(0);
  });

  it('needs keys, and beyond this machine a token', async () => {
    const without = await playbook(['codec-server']);
    expect(without.code).toBe(2);
    expect(without.err).toContain('CONFIG_INVALID: PLAYBOOK_CODEC_KEYS is not set: there is nothing to decrypt with.');
    const open = await playbook(['codec-server', '--host', '0.0.0.0', '--port', '0'], { env });
    expect(open.code).toBe(2);
    expect(open.err).toContain('CONFIG_INVALID: The codec server would decrypt for anyone who reaches 0.0.0.0.');
  });
});
