import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import type { WebhookScheme } from '../../src/contracts/webhook-scheme.ts';
import { parseConfig } from '../../src/definition/index.ts';
import { signAssertion } from '../../src/http/auth/assertion.ts';
import { keepableConfig, replayConfig, standInSecrets, webhookSecrets } from '../../src/proof/stand-ins.ts';
import { createVerifier, sign } from '../../src/webhooks/index.ts';

describe('webhookSecrets', () => {
  const hmac = { kind: 'hmac', signatureHeader: 'x-signature', encoding: 'hex', template: '{body}' } as const;
  it.each<WebhookScheme>([
    { kind: 'standard-webhooks' },
    { kind: 'standard-webhooks-ed25519' },
    { kind: 'stripe' },
    { kind: 'github' },
    { kind: 'slack' },
    hmac,
    { ...hmac, key: 'hex' },
    { ...hmac, key: 'base64', encoding: 'base64' },
  ])('sign what the receiver believes, for %j', (scheme) => {
    const { signing, checking } = webhookSecrets(scheme);
    const body = Buffer.from('{}');
    const nowMs = Date.now();
    const headers = sign(scheme, signing, { id: 'evt_1', timestampMs: nowMs, body });
    const verify = createVerifier(scheme, [checking]);
    expect(verify({ rawHeaders: Object.entries(headers).flat(), body, nowMs, toleranceMs: 5000 })).toMatchObject({
      ok: true,
    });
  });
});

describe('a configuration that is kept', () => {
  const read = async () => {
    const example = await readFile(new URL('../../integrations/docproc/config.example.yaml', import.meta.url), 'utf8');
    return parseConfig(`${example}\nfallback: sandbox.yaml\n`, { service: 'docproc' });
  };

  it('says that there are secrets and not where, and becomes one for a service on this machine', async () => {
    const kept = keepableConfig(await read());
    expect(JSON.stringify(kept)).not.toContain('DOCPROC_');
    expect(kept).not.toHaveProperty('fallback');
    const { config, origin, tokenPath } = replayConfig(
      { ...kept, service: { ...(kept['service'] as object), base_url: 'https://api.example.com/base/' } },
      { service: 'docproc', url: 'http://127.0.0.1:5', webhookBeforePolls: true },
    );
    expect(origin).toBe('https://api.example.com');
    expect(tokenPath).toBe('/oauth/token');
    expect(config.service.base_url).toBe('http://127.0.0.1:5/base');
    expect(config.auth).toMatchObject({ token_url: 'http://127.0.0.1:5/oauth/token' });
    expect(config.polling.grace_ms).toBe(60_000);
    const secrets = standInSecrets(config, webhookSecrets({ kind: 'standard-webhooks' }));
    expect(Object.keys(secrets).toSorted()).toEqual([1, 2, 3, 4].map((n) => `PROOF_SECRET_${n}`));
  });

  it('has a key for those who sign with one, and polls at once where no webhook came', async () => {
    const { auth: _, webhook: __, ...plain } = await read();
    const auth = { type: 'jwt_bearer', token_url: 'https://a/t', issuer: 'me', private_key: 'vault:path#key' };
    const recorded = keepableConfig(parseConfig(JSON.stringify({ ...plain, auth }), { service: 'docproc' }));
    const { config } = replayConfig(recorded, {
      service: 'docproc',
      url: 'http://127.0.0.1:5',
      webhookBeforePolls: false,
    });
    expect(config.polling.grace_ms).toBe(0);
    const { PROOF_SECRET_1: key = '' } = standInSecrets(config, undefined);
    expect(signAssertion(key, undefined, { issuer: 'me', subject: 'me', audience: 'you' }, 0).split('.')).toHaveLength(
      3,
    );
    const keyed = parseConfig(JSON.stringify({ ...plain, auth: { type: 'api_key', key: 'env:K' } }), {
      service: 'docproc',
    });
    const none = replayConfig(keepableConfig(keyed), {
      service: 'docproc',
      url: 'http://127.0.0.1:5',
      webhookBeforePolls: false,
    });
    expect(none.tokenPath).toBeUndefined();
  });
});
