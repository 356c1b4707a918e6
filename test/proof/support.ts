import type { EntryFacts, Har, HarEntry } from '../../src/proof/har.ts';

/** An exchange with a 200 for an answer. */
export function entry(
  kind: string,
  method: string,
  url: string,
  request: Partial<HarEntry['request']> = {},
  facts: Partial<EntryFacts> = {},
  { ms = 0, time = 1 }: { readonly ms?: number; readonly time?: number } = {},
): HarEntry {
  const queryString = [...new URL(url).searchParams].map(([name, value]) => ({ name, value }));
  return {
    startedDateTime: new Date(ms).toISOString(),
    time,
    request: {
      method,
      url,
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: [],
      queryString,
      headersSize: -1,
      bodySize: 0,
      ...request,
    },
    response: {
      status: 200,
      statusText: '',
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: [],
      content: { size: 0, mimeType: 'x-unknown' },
      redirectURL: '',
      headersSize: -1,
      bodySize: 0,
    },
    cache: {},
    timings: { send: 0, wait: time, receive: 0 },
    _playbook: { kind, ...facts },
  };
}

export function harOf(entries: readonly HarEntry[]): Har {
  return { log: { version: '1.2', creator: { name: 'playbook', version: '0' }, entries } };
}
