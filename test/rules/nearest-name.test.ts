import { describe, expect, it } from '@jest/globals';
import { nearestName } from '../../src/rules/nearest-name.ts';

describe('nearestName', () => {
  it.each([
    ['qps_capp', ['qps_cap', 'window'], 'qps_cap'],
    ['widnow', ['qps_cap', 'window'], 'window'],
    ['WINDOW', ['window'], 'window'],
    ['retryes', ['retry_ms', 'retries'], 'retries'],
    ['ab', ['ac', 'ad'], 'ac'],
    ['something', ['window'], undefined],
    ['', [], undefined],
    ['x', ['y'], 'y'],
    ['x'.repeat(10_000), ['window'], undefined],
  ])('of %j among %j is %j', (name, known, expected) => {
    expect(nearestName(name, known)).toBe(expected);
  });
});
