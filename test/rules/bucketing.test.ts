import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { BUCKETS, bucketOf, murmur3, utf8 } from '../../src/rules/bucketing.ts';

const UNITS = Array.from({ length: 30_000 }, (_, i) => `user-${i}`);

const tenth = (salt: string, service: string) => (unit: string) => bucketOf(salt, service, unit) < BUCKETS / 10;
const share = (a: (unit: string) => boolean, b: (unit: string) => boolean) =>
  UNITS.filter((unit) => a(unit) && b(unit)).length / UNITS.length;

describe('bucketing', () => {
  it.each([
    ['payments', 'user-1', 2_834_539_017, 6_599],
    ['payments', 'user-2', 1_218_827_936, 2_837],
    ['payments', 'user-3', 514_672_649, 1_198],
    ['payments', '', 1_557_444_955, 3_626],
    ['payments', 'Zürich', 836_536_086, 1_947],
    ['search', 'user-1', 4_001_264_322, 9_316],
  ])('keeps to the golden vector r1:%s:%s', (service, unit, hash, bucket) => {
    expect(murmur3(utf8(`r1:${service}:${unit}`))).toBe(hash);
    expect(bucketOf('r1', service, unit)).toBe(bucket);
  });

  it.each([
    ['', 0],
    ['a', 0x3c2569b2],
    ['abc', 0xb3dd93fa],
    ['The quick brown fox jumps over the lazy dog', 0x2e4ff723],
  ])('hashes %j as the reference implementation does', (text, hash) => {
    expect(murmur3(utf8(text))).toBe(hash);
  });

  it('spreads units evenly', () => {
    const counts = Array.from({ length: 100 }, () => 0);
    for (const unit of UNITS) counts[Math.floor(bucketOf('r1', 'payments', unit) / 100)]! += 1;
    const expected = UNITS.length / counts.length;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 99 degrees of freedom: 99.9 % of even spreads stay below.
    expect(chiSquare).toBeLessThan(148.2);
  });

  it('is independent between services and between salts', () => {
    // Three standard errors of 1 % of 30,000.
    expect(Math.abs(share(tenth('r1', 'payments'), tenth('r1', 'search')) - 0.01)).toBeLessThan(0.0017);
    expect(Math.abs(share(tenth('r1', 'payments'), tenth('r2', 'payments')) - 0.01)).toBeLessThan(0.0017);
  });

  it('writes UTF-8 as Node does, lone surrogates included', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
    );
    fc.assert(
      fc.property(text, (each) => {
        expect(utf8(each)).toEqual([...Buffer.from(each, 'utf8')]);
      }),
      { numRuns: 500, seed: 7 },
    );
  });
});
