import { describe, expect, it } from '@jest/globals';
import { jobCostMicros } from '../../src/rules/cost.ts';

const prices = { perJobMicros: 10_000, perRequestMicros: 25 };

describe('the cost of a job', () => {
  it('is the declared price once it was accepted, and every request', () => {
    expect(jobCostMicros(prices, { accepted: true, requests: 4 })).toBe(10_100);
    expect(jobCostMicros(prices, { accepted: false, requests: 4 })).toBe(100);
    expect(jobCostMicros(prices, { accepted: false, requests: 0 })).toBe(0);
  });

  it('is what the service charged, where it says', () => {
    expect(jobCostMicros(prices, { accepted: true, chargedMicros: 7, requests: 2 })).toBe(57);
    expect(jobCostMicros(prices, { accepted: true, chargedMicros: 0, requests: 0 })).toBe(0);
  });
});
