import { describe, expect, it } from '@jest/globals';
import { codecFromEnvironment, dataConverterFromEnvironment } from '../../src/codec/index.ts';

const KEY = 'ab'.repeat(32);

describe('encryption by environment', () => {
  it('is off where no keys are named', () => {
    expect(codecFromEnvironment({})).toBeUndefined();
    expect(dataConverterFromEnvironment({ PLAYBOOK_CODEC_KEYS: '' })).toBeUndefined();
  });

  it('takes keys by reference, the first to encrypt, and the converter that moves failure messages into payloads', async () => {
    const old = codecFromEnvironment({ PLAYBOOK_CODEC_KEYS: 'old=env:OLD', OLD: KEY });
    const env = { PLAYBOOK_CODEC_KEYS: 'new=env:NEW,old=env:OLD', NEW: 'cd'.repeat(32), OLD: KEY };
    const encrypted = (await old?.encode([{ metadata: {}, data: Buffer.from('canary') }])) ?? [];
    expect(Buffer.from(encrypted[0]?.data ?? '').includes('canary')).toBe(false);
    const [payload] = (await codecFromEnvironment(env)?.decode(encrypted)) ?? [];
    expect(Buffer.from(payload?.data ?? '').toString()).toBe('canary');
    const converter = dataConverterFromEnvironment(env);
    expect(converter?.payloadCodecs).toHaveLength(1);
    expect(converter?.failureConverterPath).toMatch(/failure-converter\.ts$/);
  });

  it('refuses keys written out, without showing them', () => {
    expect(() => dataConverterFromEnvironment({ PLAYBOOK_CODEC_KEYS: `k=${KEY}` })).toThrow(
      'Codec keys are written <id>=<reference>[,…], such as 2026-11=env:CODEC_KEY; what was given is not shown.',
    );
  });
});
