import { decoded } from './decoded.ts';
import type { HarEntry, NameValue } from './har.ts';

/** Headers that say nothing of what is asked for: they follow from the connection, the version, or the trace. */
const OF_NO_MATTER = new Set([
  'accept-encoding',
  'baggage',
  'connection',
  'content-length',
  'host',
  'traceparent',
  'tracestate',
  'transfer-encoding',
  'user-agent',
]);
const MAX_SHOWN = 80;

/** `GET /v3/jobs/…`, with the query. */
export function requestLine({ request: { method, url } }: HarEntry): string {
  const { pathname, search } = new URL(url);
  return `${method} ${pathname}${search}`;
}

/** Whether two requests ask for the same thing, whatever they say of it. */
export function isSameCall(recorded: HarEntry, now: HarEntry): boolean {
  const [left, right] = [new URL(recorded.request.url), new URL(now.request.url)];
  return recorded.request.method === now.request.method && fits(left.pathname, right.pathname, decoded);
}

/**
 * What differs between a recorded request and the one that takes its place now, one sentence each. What the recording does not
 * show (`[redacted…]`) fits anything.
 */
export function requestDifferences(recorded: HarEntry, now: HarEntry): readonly string[] {
  return [
    ...pairDifferences('query', recorded.request.queryString, now.request.queryString),
    ...pairDifferences('header', mattering(recorded), mattering(now)),
    ...bodyDifferences(recorded, now),
  ];
}

/** What differs between two JSON values, by path. */
export function jsonDifferences(recorded: unknown, now: unknown, path: string): readonly string[] {
  if (isObject(recorded) && isObject(now)) {
    const names = new Set([...Object.keys(recorded), ...Object.keys(now)]);
    return [...names].flatMap((name) => {
      const below = `${path}.${name}`;
      if (!Object.hasOwn(now, name)) return [`${below} is missing`];
      if (!Object.hasOwn(recorded, name)) return [`${below} is new`];
      return jsonDifferences(recorded[name], now[name], below);
    });
  }
  if (Array.isArray(recorded) && Array.isArray(now)) {
    if (recorded.length !== now.length) return [`${path} has ${now.length} items, recorded were ${recorded.length}`];
    return recorded.flatMap((item, index) => jsonDifferences(item, now[index], `${path}[${index}]`));
  }
  if (typeof recorded === 'string' && typeof now === 'string' && fits(recorded, now)) return [];
  return JSON.stringify(recorded) === JSON.stringify(now) ? [] : [changed(path, recorded, now)];
}

function bodyDifferences(recorded: HarEntry, now: HarEntry): readonly string[] {
  const [left, right] = [recorded.request.postData?.text, now.request.postData?.text];
  const isStreamed = recorded._playbook.streamed === true;
  if (isStreamed || left === undefined || right === undefined) {
    if (isStreamed || (left === undefined && right === undefined)) {
      const [bytes, bytesNow] = [recorded.request.bodySize, now.request.bodySize];
      return bytes === bytesNow ? [] : [`the body has ${bytesNow} bytes, recorded were ${bytes}`];
    }
    return [left === undefined ? 'the body is new' : 'the body is missing'];
  }
  const [json, jsonNow] = [parsed(left), parsed(right)];
  if (json !== undefined && jsonNow !== undefined) return jsonDifferences(json, jsonNow, 'body');
  return fits(left, right, decodeForm) ? [] : [changed('the body', left, right)];
}

function pairDifferences(what: string, recorded: readonly NameValue[], now: readonly NameValue[]): readonly string[] {
  const [left, right] = [grouped(recorded), grouped(now)];
  const names = new Set([...left.keys(), ...right.keys()]);
  return [...names].flatMap((name) => {
    const [was, is] = [left.get(name), right.get(name)];
    if (is === undefined) return [`${what} ${name} is missing`];
    if (was === undefined) return [`${what} ${name} is new`];
    return fits(was, is) ? [] : [changed(`${what} ${name}`, was, is)];
  });
}

function mattering({ request: { headers } }: HarEntry): readonly NameValue[] {
  return headers.filter(({ name }) => !OF_NO_MATTER.has(name.toLowerCase()));
}

function grouped(pairs: readonly NameValue[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { name, value } of pairs) {
    const key = name.toLowerCase();
    const before = found.get(key);
    found.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  return found;
}

/** Equal, where what is redacted in the first may be anything in the second. */
function fits(recorded: string, now: string, decode: (text: string) => string = (same) => same): boolean {
  if (recorded === now) return true;
  const parts = decode(recorded).split(/\[redacted(?:: [a-z ]+)?\]/);
  if (parts.length === 1) return false;
  const pattern = parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join('[^]*');
  return new RegExp(`^${pattern}$`).test(decode(now));
}

function decodeForm(text: string): string {
  return decoded(text.replaceAll('+', ' '));
}

function changed(what: string, recorded: unknown, now: unknown): string {
  return `${what} is ${shown(now)}, recorded was ${shown(recorded)}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
