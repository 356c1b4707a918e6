import { describe, expect, it } from '@jest/globals';
import { keyFilter, mayHold } from '../../src/rules/key-filter.ts';

const keys = Array.from({ length: 500 }, (_, nth) => `invoice-${nth}`);

describe('the filter of a part’s keys', () => {
  it('knows every key it was made of', () => {
    const filter = keyFilter(keys);
    expect(keys.every((key) => mayHold(filter, key))).toBe(true);
  });

  it('takes at most three in a hundred strangers for its own, in two characters a key', () => {
    const filter = keyFilter(keys);
    const strangers = Array.from({ length: 10_000 }, (_, nth) => `letter-${nth}`);
    expect(strangers.filter((key) => mayHold(filter, key)).length).toBeLessThan(300);
    expect(filter.length / keys.length).toBeLessThan(2);
  });

  it('holds nothing when made of nothing', () => {
    expect(mayHold(keyFilter([]), 'key')).toBe(false);
  });
});
