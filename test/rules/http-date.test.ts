import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { parseHttpDate } from '../../src/rules/http-date.ts';

const now = Date.UTC(2026, 10, 23);

describe('parseHttpDate', () => {
  it.each([
    ['IMF-fixdate', 'Sun, 06 Nov 1994 08:49:37 GMT'],
    ['RFC 850', 'Sunday, 06-Nov-94 08:49:37 GMT'],
    ['asctime', 'Sun Nov  6 08:49:37 1994'],
  ])('reads %s as the RFC gives it', (_, text) => {
    expect(parseHttpDate(text, now)).toBe(784_111_777_000);
  });

  it.each([
    ['76', 2076],
    ['77', 1977],
    ['00', 2000],
    ['26', 2026],
  ])('takes the two-digit year %s for %d', (digits, year) => {
    expect(parseHttpDate(`Sunday, 06-Nov-${digits} 00:00:00 GMT`, now)).toBe(Date.UTC(year, 10, 6));
  });

  it.each([
    '',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 08:49:37 UTC',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 08:60:37 GMT',
    'Sun, 06 Nov 1994 08:49:61 GMT',
    'Sun, 31 Feb 2027 08:49:37 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nor 1994 08:49:37 GMT',
    '1994-11-06T08:49:37Z',
    '784111777',
  ])('refuses "%s"', (text) => {
    expect(parseHttpDate(text, now)).toBeUndefined();
  });

  it('reads whatever Node writes', () => {
    const date = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true });
    fc.assert(
      fc.property(date, (some) => {
        expect(parseHttpDate(some.toUTCString(), now)).toBe(Math.floor(some.getTime() / 1000) * 1000);
      }),
    );
  });
});
