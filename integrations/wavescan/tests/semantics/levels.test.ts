import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { levelsDto } from '../../src/models.ts';
import { tone } from '../../src/samples.ts';
import { startWavescan, type Wavescan } from '../support.ts';

/** A WAV file with another field than 16-bit PCM has. */
function changed(at: number, value: number): Uint8Array {
  const bytes = Buffer.from(tone(1));
  bytes.writeUInt16LE(value, at);
  return bytes;
}

describe('a recording', () => {
  let wavescan: Wavescan;
  beforeAll(async () => {
    wavescan = await startWavescan({ limit: { rate: 1_000 } });
  });
  afterAll(() => wavescan.close());

  async function scan(id: string, bytes: Uint8Array): Promise<string> {
    const recording = await wavescan.upload(bytes);
    expect((await wavescan.call('PUT', `/v2/scans/${id}`, { recording })).status).toBe(201);
    return wavescan.over(id);
  }

  it('is measured: length, rate, channels, levels, waveform', async () => {
    const sample = await readFile(new URL('../../demos/sample.wav', import.meta.url));
    expect(await scan('sample', sample)).toBe('ready');
    const measured = levelsDto.parse((await wavescan.call('GET', '/v2/scans/sample/levels')).json);
    expect(measured).toMatchObject({
      length_ms: 2_000,
      sample_rate: 8_000,
      channels: 1,
      peak_dbfs: -3.61,
      rms_dbfs: -10.41,
    });
    expect(measured.waveform).toHaveLength(32);
    expect(Math.max(...measured.waveform)).toBe(0.66);
  });

  it('of silence has no level', async () => {
    const silence = Buffer.from(tone(1)).fill(0, 44);
    expect(await scan('silence', silence)).toBe('ready');
    const { json } = await wavescan.call('GET', '/v2/scans/silence/levels');
    expect(json).toMatchObject({ length_ms: 100, peak_dbfs: null, rms_dbfs: null });
  });

  it.each([
    ['empty', new Uint8Array(), 'EMPTY_FILE'],
    ['no WAV file', Buffer.from('only its name says so'), 'NOT_WAV'],
    ['cut off', tone(1).subarray(0, 500), 'CUT_OFF'],
    ['compressed', changed(20, 85), 'UNSUPPORTED_ENCODING'],
    ['of 24 bits', changed(34, 24), 'UNSUPPORTED_ENCODING'],
  ])('that is %s is rejected with one code', async (name, bytes, kind) => {
    const id = name.replaceAll(' ', '-');
    expect(await scan(id, bytes)).toBe('rejected');
    expect((await wavescan.call('GET', `/v2/scans/${id}`)).json).toMatchObject({ problem: { kind } });
    expect((await wavescan.call('GET', `/v2/scans/${id}/levels`)).status).toBe(409);
  });
});
