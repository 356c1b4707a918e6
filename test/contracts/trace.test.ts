import { describe, expect, it } from '@jest/globals';
import { parseTraceparent, traceparent } from '../../src/contracts/trace.ts';

const [TRACE, SPAN] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];

describe('a traceparent', () => {
  it('is read and written alike', () => {
    const text = `00-${TRACE}-${SPAN}-01`;
    const point = { traceId: TRACE, spanId: SPAN, flags: '01' };
    expect(parseTraceparent(text)).toEqual(point);
    expect(traceparent(point)).toBe(text);
  });

  it.each([
    ['of no text', undefined],
    ['of another version', `01-${TRACE}-${SPAN}-01`],
    ['with more behind it', `00-${TRACE}-${SPAN}-01-x`],
    ['in capitals', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['of no trace', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['of no span', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ])('%s says nothing', (_name, text) => {
    expect(parseTraceparent(text)).toBeUndefined();
  });
});
