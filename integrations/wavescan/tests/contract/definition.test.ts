import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { parseConfig, parseRolloutPlan } from '../../../../src/definition/index.ts';
import { classifyAnswer } from '../../../../src/rules/classify.ts';
import { integration } from '../../src/index.ts';

const SHA256 = 'ab'.repeat(32);
const recording = { uri: 'file:///a.wav', sha256: SHA256, bytes: 3, contentType: 'audio/wav' as const };
const scan = {
  scan_id: 'id-1',
  phase: 'ready',
  label: 'key~1',
  recording: SHA256,
  created: 1,
  changed: 2,
  problem: null,
};
const textOf = (name: string): Promise<string> => readFile(new URL(`../../${name}`, import.meta.url), 'utf8');

describe('a file for wavescan', () => {
  it('becomes a scan of it, under an id of ours', () => {
    const input = { recording };
    expect(integration.fromFile?.(recording)).toEqual(input);
    const context = { input, reference: 'key~1', idempotencyKey: 'the/key', callbackUrl: 'https://hooks' };
    expect(integration.submit.request(context)).toEqual({
      method: 'PUT',
      path: '/v2/scans/the%2Fkey',
      json: { recording: SHA256, label: 'key~1', notify_url: 'https://hooks' },
    });
  });

  it('is refused unless it is a WAV file', () => {
    expect(() => integration.fromFile?.({ ...recording, contentType: 'audio/mpeg' })).toThrow('contentType');
  });
});

describe('what wavescan says', () => {
  it('is read into the playbook’s terms', () => {
    const read = (more: object) => integration.status.read({ ...scan, ...more }, { externalId: 'id-1' });
    expect(read({})).toEqual({ externalId: 'id-1', word: 'ready', reference: 'key~1' });
    expect(read({ phase: 'rejected', label: null, problem: { kind: 'NOT_WAV', detail: 'No.' } })).toEqual({
      externalId: 'id-1',
      word: 'rejected',
      error: { code: 'NOT_WAV', message: 'No.' },
    });
  });

  it('is over when there is no further page', () => {
    const page = (offset: number) => integration.list?.read({ scans: [scan, scan], offset, total: 4 }, { limit: 2 });
    expect([page(0)?.next, page(2)?.next]).toEqual(['2', undefined]);
  });

  it('knows every event by the phase it ends with, and no other', () => {
    const read = (event: string) => integration.webhook?.read({ event, scan_id: 'id-1', label: null }).state;
    expect(['scan.ready', 'scan.rejected', 'scan.withdrawn', 'scan.praised'].map(read)).toEqual([
      'COMPLETED',
      'FAILED',
      'CANCELED',
      undefined,
    ]);
  });

  it('by 409 may be "later", which uses up no attempt, or "no"', () => {
    const judge = (kind: string) => {
      const said = integration.readError?.({ fault: { kind, detail: 'why' } });
      expect(said).toEqual({ code: kind, message: 'why' });
      return classifyAnswer({ status: 409, serviceCode: kind }, integration.errors ?? []);
    };
    expect(judge('TOO_MANY_SCANS')).toMatchObject({ retryable: true, throttled: true, conflict: 'busy' });
    expect(judge('ID_TAKEN')).toMatchObject({ retryable: false, conflict: 'invalid' });
    expect(judge('ALREADY_OVER')).toMatchObject({ code: 'CONFLICT', retryable: false });
    expect(integration.readError?.({ oops: true })).toBeUndefined();
  });
});

describe('what is configured', () => {
  it('polls, and is a valid configuration and rollout plan', async () => {
    const config = parseConfig(await textOf('config.example.yaml'), { service: 'wavescan' });
    expect(config).toMatchObject({ auth: { type: 'api_key' }, polling: { grace_ms: 0 } });
    expect(config.webhook).toBeUndefined();
    expect(parseRolloutPlan(await textOf('rollout.yaml')).stages).toHaveLength(5);
  });
});
