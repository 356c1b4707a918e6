import { PlaybookError } from '../contracts/errors.ts';
import type { RequestSpec } from './types.ts';

/**
 * Puts a request's path and query below a base URL. The path can neither leave the base nor the origin: ids in it are
 * data, and `../admin` percent-encoded or not is no id.
 * @throws PlaybookError INTERNAL when the integration built an unsafe path.
 */
export function requestUrl(base: URL, request: Pick<RequestSpec, 'path' | 'query'>): URL {
  const { path, query = {} } = request;
  if (!path.startsWith('/')) throw unsafe('does not begin with "/"');
  if (/[?#\\]/.test(path)) throw unsafe('contains "?", "#" or "\\"');
  if (!/^[\x21-\x7e]+$/.test(path)) throw unsafe('contains a character that is not printable ASCII');
  const segments = path.slice(1).split('/');
  if (segments.slice(0, -1).includes('')) throw unsafe('contains "//"');
  if (segments.some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment))) throw unsafe('contains a "." or ".." segment');

  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/$/, '')}${path}`;
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value ?? []].flat()) url.searchParams.append(name, String(one));
  }
  return url;
}

function unsafe(why: string): PlaybookError {
  return new PlaybookError('INTERNAL', `An integration built a request path that ${why}. Percent-encode ids in paths.`);
}
