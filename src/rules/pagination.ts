/** How a service cuts a long list into pages. */
export type Paging =
  /** The body names the next page's cursor; it goes into the query parameter `param`. */
  | { readonly kind: 'cursor'; readonly param: string }
  /** Items to skip go into `param`; a page shorter than `limit` is the last. */
  | { readonly kind: 'offset'; readonly param: string; readonly limit: number }
  /** The page's number goes into `param`, from `first` on; a page shorter than `limit` is the last. */
  | { readonly kind: 'page'; readonly param: string; readonly limit: number; readonly first: number }
  /** The `Link` header with `rel="next"` (RFC 8288) carries the next page's whole query. */
  | { readonly kind: 'link' };

type Query = Readonly<Record<string, string | readonly string[]>>;

/** The query that asks for the page at `cursor`; `undefined` is the first page. */
export function pageQuery(paging: Paging, cursor: string | undefined): Query {
  switch (paging.kind) {
    case 'cursor':
      return cursor === undefined ? {} : { [paging.param]: cursor };
    case 'offset':
      return { [paging.param]: cursor ?? '0' };
    case 'page':
      return { [paging.param]: cursor ?? String(paging.first) };
    case 'link':
      break;
  }
  return cursor === undefined ? {} : parseQuery(cursor);
}

/** What a page says of the one after it. */
export interface PageEnd {
  /** Items on this page. */
  readonly count: number;
  /** The cursor its body names. */
  readonly bodyCursor?: string | undefined;
  /** Its `Link` header. */
  readonly link?: string | undefined;
}

/** The cursor of the page after the one at `cursor`; `undefined` after the last. */
export function nextCursor(paging: Paging, cursor: string | undefined, end: PageEnd): string | undefined {
  switch (paging.kind) {
    case 'cursor':
      return end.bodyCursor === '' ? undefined : end.bodyCursor;
    case 'offset':
      return end.count < paging.limit ? undefined : String(Number(cursor ?? 0) + end.count);
    case 'page':
      return end.count < paging.limit ? undefined : String(Number(cursor ?? paging.first) + 1);
    case 'link':
      break;
  }
  // Only the query is taken: the page is asked for at our own base URL, wherever the link points.
  const next = parseLinks(end.link ?? '').find(({ rel }) => rel.includes('next'));
  return /\?(?<query>[^#]*)/.exec(next?.target ?? '')?.groups?.['query'];
}

/** One link of a `Link` header. */
export interface WebLink {
  readonly target: string;
  /** Relation types, in lower case. */
  readonly rel: readonly string[];
}

const LINK = /\s*<(?<target>[^>]*)>/y;
const PARAMETER =
  /\s*;\s*(?<name>[\w!#$%&'*+.^`|~-]+)\s*(?:=\s*(?:"(?<quoted>(?:[^"\\]|\\.)*)"|(?<token>[^\s",;]*)))?/y;
const SEPARATOR = /\s*(?:,\s*)+/y;

/** Parses a `Link` header (RFC 8288, 3). Stops at the first thing it cannot read, and keeps what came before. */
export function parseLinks(header: string): readonly WebLink[] {
  const links: WebLink[] = [];
  let at = 0;
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const found = pattern.exec(header);
    if (found !== null) at = pattern.lastIndex;
    return found?.groups;
  };
  for (let link = match(LINK); link !== undefined; link = match(LINK)) {
    let rel: string | undefined;
    for (let found = match(PARAMETER); found !== undefined; found = match(PARAMETER)) {
      // Of several `rel` the first counts.
      if (found['name']?.toLowerCase() === 'rel')
        rel ??= found['quoted']?.replaceAll(/\\(.)/g, '$1') ?? found['token'] ?? '';
    }
    links.push({ target: link['target'] ?? '', rel: (rel ?? '').toLowerCase().split(/\s+/) });
    SEPARATOR.lastIndex = at;
    if (!SEPARATOR.test(header)) break;
    at = SEPARATOR.lastIndex;
  }
  return links;
}

function parseQuery(text: string): Query {
  const query = new Map<string, string | readonly string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    const before = query.get(name);
    query.set(name, before === undefined ? value : [before, value].flat());
  }
  return Object.fromEntries(query);
}
