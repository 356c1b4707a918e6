import { describe, expect, it } from '@jest/globals';
import { fairnessKey } from '../../src/rules/fairness-key.ts';

describe('the fairness key of a unit', () => {
  it('is the unit itself up to the 64 bytes Temporal takes', () => {
    expect(fairnessKey('tenant-7')).toBe('tenant-7');
    expect(fairnessKey('u'.repeat(64))).toBe('u'.repeat(64));
  });

  it('is a short hash beyond that, counted in bytes, and different for different units', () => {
    const [long, other] = [fairnessKey('ü'.repeat(33)), fairnessKey(`${'ü'.repeat(32)}xx`)];
    expect(long).toMatch(/^#[0-9a-f]{1,8}$/);
    expect(other).toMatch(/^#[0-9a-f]{1,8}$/);
    expect(long).not.toBe(other);
  });
});
