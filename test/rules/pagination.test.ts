import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { nextCursor, pageQuery, parseLinks } from '../../src/rules/pagination.ts';
import type { Paging } from '../../src/rules/pagination.ts';

describe('parseLinks', () => {
  it.each<[string, ReturnType<typeof parseLinks>]>([
    ['', []],
    ['<https://a/x?p=2>; rel="next"', [{ target: 'https://a/x?p=2', rel: ['next'] }]],
    ['</x?p=2>;rel=next', [{ target: '/x?p=2', rel: ['next'] }]],
    [
      '<?p=2>; rel="next", <?p=9> ; REL="Last end" ;title="a, \\"b\\"; rel=x"',
      [
        { target: '?p=2', rel: ['next'] },
        { target: '?p=9', rel: ['last', 'end'] },
      ],
    ],
    ['<a,b;c>; rel=next', [{ target: 'a,b;c', rel: ['next'] }]],
    ['<a>; rel=first; rel=next', [{ target: 'a', rel: ['first'] }]],
    ['<a>', [{ target: 'a', rel: [''] }]],
    [
      '<a>; rel,,<b>; rel=next',
      [
        { target: 'a', rel: [''] },
        { target: 'b', rel: ['next'] },
      ],
    ],
    ['<a>; rel=next garbage, <b>; rel=prev', [{ target: 'a', rel: ['next'] }]],
    ['not a link', []],
  ])('%s', (header, links) => {
    expect(parseLinks(header)).toEqual(links);
  });

  it('takes time in proportion to hostile headers', () => {
    const hostile = fc.constantFrom('<a>', ';', 'rel', '=', '"', '\\', ',', ' ', '\t');
    fc.assert(
      fc.property(fc.array(hostile, { minLength: 4000, maxLength: 8000 }), (parts) => {
        const startMs = performance.now();
        parseLinks(parts.join(''));
        parseLinks(`<a>;${' '.repeat(parts.length)}`);
        expect(performance.now() - startMs).toBeLessThan(500);
      }),
      { numRuns: 20, seed: 7 },
    );
  });
});

describe('the pages of a list', () => {
  const cursor: Paging = { kind: 'cursor', param: 'after' };
  const offset: Paging = { kind: 'offset', param: 'skip', limit: 50 };
  const page: Paging = { kind: 'page', param: 'page', limit: 50, first: 1 };
  const link: Paging = { kind: 'link' };

  it.each<[Paging, string | undefined, object]>([
    [cursor, undefined, {}],
    [cursor, 'abc', { after: 'abc' }],
    [offset, undefined, { skip: '0' }],
    [offset, '50', { skip: '50' }],
    [page, undefined, { page: '1' }],
    [page, '2', { page: '2' }],
    [link, undefined, {}],
    [link, 'q=a%26b&tag=x&tag=y&tag=z&page=2', { q: 'a&b', tag: ['x', 'y', 'z'], page: '2' }],
  ])('%j at %s are asked for by %j', (paging, at, query) => {
    expect(pageQuery(paging, at)).toEqual(query);
  });

  it.each<[Paging, string | undefined, Parameters<typeof nextCursor>[2], string | undefined]>([
    [cursor, undefined, { count: 3, bodyCursor: 'abc' }, 'abc'],
    [cursor, 'abc', { count: 3 }, undefined],
    [cursor, 'abc', { count: 3, bodyCursor: '' }, undefined],
    [cursor, 'abc', { count: 0, bodyCursor: 'def' }, 'def'],
    [offset, undefined, { count: 50 }, '50'],
    [offset, '50', { count: 50 }, '100'],
    [offset, '100', { count: 49 }, undefined],
    [page, undefined, { count: 50 }, '2'],
    [page, '2', { count: 50 }, '3'],
    [page, '3', { count: 0 }, undefined],
    [
      link,
      undefined,
      { count: 1, link: '<https://internal.host:8080/v1/jobs?page=2&x=%20#f>; rel="next"' },
      'page=2&x=%20',
    ],
    [link, 'page=2', { count: 1, link: '<?page=1>; rel="prev"' }, undefined],
    [link, 'page=2', { count: 1 }, undefined],
    [link, 'page=2', { count: 1, link: '</v1/jobs>; rel="next"' }, undefined],
  ])('%j at %s with %j go on at %s', (paging, at, end, next) => {
    expect(nextCursor(paging, at, end)).toBe(next);
  });
});
