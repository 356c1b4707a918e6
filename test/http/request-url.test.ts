import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { PlaybookError } from '../../src/contracts/errors.ts';
import { requestUrl } from '../../src/http/request-url.ts';

const base = new URL('https://api.example.com/v2/');

describe('requestUrl', () => {
  it.each([
    ['https://api.example.com', '/jobs', 'https://api.example.com/jobs'],
    ['https://api.example.com/', '/jobs', 'https://api.example.com/jobs'],
    ['https://api.example.com/v2', '/jobs/', 'https://api.example.com/v2/jobs/'],
    ['https://api.example.com/v2/', '/jobs/a%2Fb%20c', 'https://api.example.com/v2/jobs/a%2Fb%20c'],
    ['https://api.example.com/v2/', '/', 'https://api.example.com/v2/'],
    ['https://api.example.com/v2/', '/jobs:batch@x', 'https://api.example.com/v2/jobs:batch@x'],
  ])('joins %s and %s', (root, path, expected) => {
    expect(requestUrl(new URL(root), { path }).href).toBe(expected);
  });

  it('encodes the query, drops what is undefined and repeats lists', () => {
    const query = { q: 'a&b=c d', n: 5, none: undefined, tag: ['x', 'y'] };
    expect(requestUrl(base, { path: '/jobs', query }).search).toBe('?q=a%26b%3Dc+d&n=5&tag=x&tag=y');
  });

  it.each([
    ['jobs', 'does not begin with "/"'],
    ['https://evil.example/', 'does not begin with "/"'],
    ['//evil.example/jobs', 'contains "//"'],
    ['/jobs//x', 'contains "//"'],
    ['/jobs/../admin', 'contains a "." or ".." segment'],
    ['/jobs/..', 'contains a "." or ".." segment'],
    ['/jobs/./x', 'contains a "." or ".." segment'],
    ['/jobs/%2e%2E/admin', 'contains a "." or ".." segment'],
    ['/jobs/.%2e/admin', 'contains a "." or ".." segment'],
    ['/jobs?x=1', 'contains "?", "#" or "\\"'],
    ['/jobs#x', 'contains "?", "#" or "\\"'],
    ['/jobs\\..\\x', 'contains "?", "#" or "\\"'],
    ['/jobs/a b', 'contains a character that is not printable ASCII'],
    ['/jobs/ä', 'contains a character that is not printable ASCII'],
    ['/jobs/a\r\nx: y', 'contains a character that is not printable ASCII'],
    ['/jobs/.\t./x', 'contains a character that is not printable ASCII'],
  ])('refuses %j', (path, why) => {
    expect(() => requestUrl(base, { path })).toThrow(
      new PlaybookError('INTERNAL', `An integration built a request path that ${why}. Percent-encode ids in paths.`),
    );
  });

  it('never leaves the base, whatever the path', () => {
    const piece = fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '%2E',
      '%2f',
      '%5c',
      '\\',
      '@',
      ':',
      'a',
      '?',
      '#',
      ' ',
      '\t',
      '//',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const path = `/${pieces.join('')}`;
        let url: URL | undefined;
        try {
          url = requestUrl(base, { path });
        } catch (error) {
          if (!(error instanceof PlaybookError)) throw error;
        }
        expect([undefined, `https://api.example.com/v2${path}`]).toContain(url?.href);
      }),
      { numRuns: 3000, seed: 11 },
    );
  });
});
