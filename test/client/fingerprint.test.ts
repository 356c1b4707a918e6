import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fingerprint } from '../../src/client/fingerprint.ts';

/** The same value with the keys of every object in another order. */
function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, reordered(item)]),
  );
}

describe('the fingerprint of an input', () => {
  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(fingerprint(reordered(value))).toBe(fingerprint(value));
      }),
    );
  });

  it('differs for values that differ as JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        // Two orders of one object are one input.
        fc.pre(JSON.stringify(sorted(a)) !== JSON.stringify(sorted(b)));
        expect(fingerprint(a)).not.toBe(fingerprint(b));
      }),
    );
  });

  it('does not depend on where a pinned file is', () => {
    const file = { sha256: 'a'.repeat(64), bytes: 3, uri: 'file:///old/a.txt' };
    expect(fingerprint({ file: { ...file, uri: 'file:///new/b.txt' } })).toBe(fingerprint({ file }));
    expect(fingerprint({ file: { ...file, sha256: 'b'.repeat(64) } })).not.toBe(fingerprint({ file }));
    expect(fingerprint({ uri: 'https://a.example' })).not.toBe(fingerprint({ uri: 'https://b.example' }));
  });

  it('is that of the stored JSON: dates count, what is undefined does not', () => {
    expect(fingerprint({ at: new Date(0) })).toBe(fingerprint({ at: '1970-01-01T00:00:00.000Z' }));
    expect(fingerprint({ at: new Date(0) })).not.toBe(fingerprint({ at: new Date(1) }));
    expect(fingerprint({ a: 1, b: undefined })).toBe(fingerprint({ a: 1 }));
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .map(([key, item]) => [key, sorted(item)])
    .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}
