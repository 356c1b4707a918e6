import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tone } from '../../src/samples.ts';
import { startWavescan, type Wavescan } from '../support.ts';

describe('context gaps 3 to 5 and 7: ids and 409', () => {
  let wavescan: Wavescan;
  let recording: string;
  beforeAll(async () => {
    wavescan = await startWavescan({ limit: { rate: 1_000 }, processing: { minMs: 60_000, maxMs: 60_000 } });
    recording = await wavescan.upload(tone(1));
  });
  afterAll(() => wavescan.close());

  const put = (id: string, more: object = {}) => wavescan.call('PUT', `/v2/scans/${id}`, { recording, ...more });
  const kindOf = ({ json }: { readonly json: unknown }) => (json as { fault?: { kind: string } }).fault?.kind;

  it('the same id again is the same scan; another body is ID_TAKEN; a seventh scan is TOO_MANY_SCANS until one is over', async () => {
    const first = await put('scan-1');
    expect(await put('scan-1')).toMatchObject({ status: 201, json: first.json });
    const other = await put('scan-1', { label: 'other' });
    expect([other.status, kindOf(other)]).toEqual([409, 'ID_TAKEN']);
    for (const id of ['scan-2', 'scan-3', 'scan-4', 'scan-5', 'scan-6']) expect((await put(id)).status).toBe(201);
    const seventh = await put('scan-7');
    expect([seventh.status, kindOf(seventh)]).toEqual([409, 'TOO_MANY_SCANS']);
    expect((await put('scan-6')).status).toBe(201); // it is there already
    expect(await wavescan.call('DELETE', '/v2/scans/scan-1')).toMatchObject({ json: { phase: 'withdrawn' } });
    expect((await put('scan-7')).status).toBe(201);
    expect((await wavescan.call('DELETE', '/v2/scans/scan-1')).status).toBe(200);
  });

  it('a body that is wrong is 422, whatever is wrong with it', async () => {
    const unknown = await wavescan.call('PUT', '/v2/scans/wrong', { recording: '0'.repeat(64) });
    const invalid = await wavescan.call('PUT', '/v2/scans/wrong', { recording: 'nonsense' });
    expect([unknown, invalid].map((answer) => [answer.status, kindOf(answer)])).toEqual([
      [422, 'NO_SUCH_RECORDING'],
      [422, 'INVALID_SCAN'],
    ]);
  });
});
