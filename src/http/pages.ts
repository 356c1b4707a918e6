import { PlaybookError } from '../contracts/errors.ts';
import type { Json } from '../contracts/json.ts';
import { nextCursor, pageQuery } from '../rules/pagination.ts';
import type { Paging } from '../rules/pagination.ts';
import type { RequestSpec, ServiceClient } from './types.ts';

/** One page of a list. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** The cursor of the page after it; absent on the last. */
  readonly next?: string | undefined;
}

/** How to go through a list page by page. */
export interface SweepOptions<Item> {
  readonly fetch: (cursor: string | undefined) => Promise<Page<Item>>;
  /** What makes an item the same one when a moving list shows it on two pages. */
  readonly idOf: (item: Item) => string;
  /** Most pages in one sweep. */
  readonly maxPages: number;
  /** Where an earlier sweep got to: the cursor its last `onPage` was given. */
  readonly from?: string | undefined;
  /** Called when all items of a page have been taken, with the cursor of the next. For heartbeat details. */
  readonly onPage?: ((next: string | undefined) => void) | undefined;
}

/** A list that shows nothing new for this many pages in a row goes round in circles. */
const MAX_STALE_PAGES = 3;

/**
 * Goes through a list as one iterator, each item once, however the list moves meanwhile.
 * @throws PlaybookError CONTRACT_VIOLATION when the pages go round in circles or exceed the cap.
 */
export async function* sweep<Item>(options: SweepOptions<Item>): AsyncGenerator<Item, void, undefined> {
  const { fetch, idOf, maxPages, onPage } = options;
  const ids = new Set<string>();
  const cursors = new Set<string>();
  let cursor = options.from;
  let stalePages = 0;
  for (let pages = 1; ; pages += 1) {
    const page = await fetch(cursor);
    const known = ids.size;
    for (const item of page.items) {
      const id = idOf(item);
      if (ids.has(id)) continue;
      ids.add(id);
      yield item;
    }
    onPage?.(page.next);
    if (page.next === undefined) return;

    stalePages = ids.size === known && page.items.length > 0 ? stalePages + 1 : 0;
    if (cursors.has(page.next) || page.next === cursor || stalePages === MAX_STALE_PAGES) {
      throw new PlaybookError(
        'CONTRACT_VIOLATION',
        `The service's list goes round in circles: after ${pages} pages it leads back to one already read.`,
      );
    }
    if (pages === maxPages) {
      throw new PlaybookError(
        'CONTRACT_VIOLATION',
        `The service's list has more than ${maxPages} pages. Raise the cap, or narrow what is listed.`,
      );
    }
    if (cursor !== undefined) cursors.add(cursor);
    cursor = page.next;
  }
}

/** A list endpoint: how it is asked, and how a page is read. */
export interface ListOptions<Item> extends Omit<SweepOptions<Item>, 'fetch'> {
  readonly paging: Paging;
  /** The request for the first page, with the page size and any filter in its query. */
  readonly request: Pick<RequestSpec, 'path' | 'query' | 'headers'>;
  readonly read: (body: Json) => { readonly items: readonly Item[]; readonly cursor?: string | undefined };
  readonly signal: AbortSignal;
}

/**
 * Lists through a service's client.
 * @throws RequestFailed as `ServiceClient.send` does, and what `sweep` throws.
 */
export function listPages<Item>(client: Pick<ServiceClient, 'send'>, options: ListOptions<Item>) {
  const { paging, request, read, signal } = options;
  return sweep({
    ...options,
    fetch: async (cursor) => {
      // A link's query is complete by itself.
      const query = paging.kind === 'link' && cursor !== undefined ? {} : request.query;
      const answer = await client.send(
        {
          ...request,
          kind: 'list',
          method: 'GET',
          repeatable: true,
          query: { ...query, ...pageQuery(paging, cursor) },
        },
        signal,
      );
      if (answer.json === undefined) {
        throw new PlaybookError(
          'CONTRACT_VIOLATION',
          'The service answered a list request with something that is not JSON.',
        );
      }
      const { items, cursor: bodyCursor } = read(answer.json);
      return {
        items,
        next: nextCursor(paging, cursor, { count: items.length, bodyCursor, link: answer.headers['link'] }),
      };
    },
  });
}
