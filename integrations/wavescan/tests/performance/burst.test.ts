import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startWavescan, type Wavescan } from '../support.ts';

describe('context gap 6: a burst of reads', () => {
  let wavescan: Wavescan;
  beforeAll(async () => {
    wavescan = await startWavescan({ limit: { rate: 20, windowMs: 60_000, announce: false } });
  });
  afterAll(() => wavescan.close());

  it('passes as far as the limit goes; the rest is 429 with Retry-After, and nothing announces the limit', async () => {
    const answers = await Promise.all(Array.from({ length: 25 }, () => wavescan.call('GET', '/v2/scans')));
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(20);
    expect(refused).toHaveLength(5);
    expect(refused.every(({ headers }) => Number(headers.get('retry-after')) >= 1)).toBe(true);
    expect(answers.some(({ headers }) => headers.has('ratelimit'))).toBe(false);
  });
});
