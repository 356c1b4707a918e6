import { afterEach, describe, expect, it } from '@jest/globals';
import { PlaybookError } from '../../src/contracts/errors.ts';
import type { Json } from '../../src/contracts/json.ts';
import { systemClock } from '../../src/http/clock.ts';
import { listPages, sweep } from '../../src/http/pages.ts';
import type { ListOptions, Page, SweepOptions } from '../../src/http/pages.ts';
import { createServiceClient } from '../../src/http/service-client.ts';
import { createStage, never, sendJson } from './helpers.ts';

const stage = createStage();
afterEach(stage.clear);

async function taken<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Pages by cursor out of a table. */
const pagesOf = (table: Record<string, Page<string>>) => (cursor: string | undefined) =>
  Promise.resolve(table[cursor ?? 'start'] ?? { items: [] });

const sweeping = (table: Record<string, Page<string>>, more: Partial<SweepOptions<string>> = {}) =>
  sweep({ fetch: pagesOf(table), idOf: (item) => item, maxPages: 10, ...more });

describe('sweep', () => {
  const list = {
    start: { items: ['a', 'b'], next: '2' },
    2: { items: ['b', 'c'], next: '3' },
    3: { items: ['d'] },
  };

  it('yields each item once, though a moving list shows it on two pages', async () => {
    expect(await taken(sweeping(list))).toEqual(['a', 'b', 'c', 'd']);
  });

  it('says how far it got only when a page has been taken whole, and goes on from there', async () => {
    const cursors: (string | undefined)[] = [];
    const onPage = (next: string | undefined) => void cursors.push(next);
    const before: string[] = [];
    for await (const item of sweeping(list, { onPage })) {
      before.push(item);
      if (item === 'c') break;
    }
    expect(cursors).toEqual(['2']);
    const after = await taken(sweeping(list, { onPage, from: cursors.at(-1) }));
    expect(after).toEqual(['b', 'c', 'd']);
    expect(cursors).toEqual(['2', '3', undefined]);
    expect(new Set([...before, ...after])).toEqual(new Set(['a', 'b', 'c', 'd']));
  });

  it('goes on over an empty page that has a next one', async () => {
    expect(await taken(sweeping({ start: { items: [], next: '2' }, 2: { items: ['a'] } }))).toEqual(['a']);
  });

  it.each<[string, number, Record<string, Page<string>>]>([
    ['to itself', 2, { start: { items: ['a'], next: '2' }, 2: { items: ['b'], next: '2' } }],
    [
      'to an earlier one',
      3,
      { start: { items: ['a'], next: '2' }, 2: { items: ['b'], next: '3' }, 3: { items: ['c'], next: '2' } },
    ],
    [
      'to ever new cursors of the same items',
      4,
      Object.fromEntries(['start', '1', '2', '3', '4'].map((at, i) => [at, { items: ['a'], next: String(i + 1) }])),
    ],
  ])('stops at a page that leads back %s', async (_, pages, table) => {
    await expect(taken(sweeping(table))).rejects.toEqual(
      new PlaybookError(
        'CONTRACT_VIOLATION',
        `The service's list goes round in circles: after ${pages} pages it leads back to one already read.`,
      ),
    );
  });

  it('stops at the cap, which the last page may be', async () => {
    await expect(taken(sweeping(list, { maxPages: 2 }))).rejects.toEqual(
      new PlaybookError(
        'CONTRACT_VIOLATION',
        "The service's list has more than 2 pages. Raise the cap, or narrow what is listed.",
      ),
    );
    expect(await taken(sweeping(list, { maxPages: 3 }))).toHaveLength(4);
  });
});

describe('listPages', () => {
  const all = Array.from({ length: 7 }, (_, i) => `job-${i}`);
  const asked: string[] = [];

  /** A service that pages its seven jobs by threes in the way asked for. */
  const listing = async () => {
    asked.length = 0;
    const server = await stage.http((request, response) => {
      const url = new URL(request.url ?? '', 'http://service');
      asked.push(url.search);
      const from = Number(
        url.searchParams.get('skip') ??
          url.searchParams.get('after') ??
          (Number(url.searchParams.get('page') ?? 1) - 1) * 3,
      );
      const items = all.slice(from, from + 3);
      const more = from + 3 < all.length;
      const link = more ? { link: `<http://internal:8080/v1/jobs?size=3&page=${from / 3 + 2}>; rel="next"` } : {};
      sendJson(response, 200, { items, ...(more ? { next: String(from + 3) } : {}) }, link);
    });
    return createServiceClient({
      baseUrl: server.url.href,
      transport: stage.transport(),
      authenticator: { authorize: () => Promise.resolve({ headers: {}, credential: '' }), invalidate: () => false },
      errorRules: [],
      userAgent: 'playbook-test',
      clock: systemClock,
      logger: { warn: () => {} },
    });
  };
  const options: Omit<ListOptions<string>, 'paging'> = {
    request: { path: '/v1/jobs', query: { size: 3 } },
    read: (body: Json) => {
      const { items, next } = body as { items: string[]; next?: string };
      return { items, cursor: next };
    },
    idOf: (item) => item,
    maxPages: 10,
    signal: never,
  };

  it.each<[ListOptions<string>['paging'], string[]]>([
    [{ kind: 'cursor', param: 'after' }, ['?size=3', '?size=3&after=3', '?size=3&after=6']],
    [{ kind: 'offset', param: 'skip', limit: 3 }, ['?size=3&skip=0', '?size=3&skip=3', '?size=3&skip=6']],
    [{ kind: 'page', param: 'page', limit: 3, first: 1 }, ['?size=3&page=1', '?size=3&page=2', '?size=3&page=3']],
    [{ kind: 'link' }, ['?size=3', '?size=3&page=2', '?size=3&page=3']],
  ])('reads a whole list by %j', async (paging, queries) => {
    expect(await taken(listPages(await listing(), { ...options, paging }))).toEqual(all);
    expect(asked).toEqual(queries);
  });

  it('refuses a page that is not JSON', async () => {
    const client = { send: () => Promise.resolve({ status: 200, headers: {}, bytes: new Uint8Array(), elapsedMs: 1 }) };
    await expect(taken(listPages(client, { ...options, paging: { kind: 'link' } }))).rejects.toEqual(
      new PlaybookError('CONTRACT_VIOLATION', 'The service answered a list request with something that is not JSON.'),
    );
  });
});
