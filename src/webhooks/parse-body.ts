import type { Json } from '../contracts/json.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads verified bytes as JSON; `undefined` when they are not valid UTF-8 or not JSON. Of duplicate keys the last one counts,
 * for everything that reads the event, since nothing else ever reads the bytes. `__proto__` is dropped.
 */
export function parseBody(bytes: Uint8Array): { readonly value: Json } | undefined {
  try {
    const text = utf8.decode(bytes);
    // An escape could spell the name too; a reviver is slow, so it runs only where the name may be.
    const suspicious = text.includes('__proto__') || text.includes('\\u');
    return { value: JSON.parse(text, suspicious ? withoutProto : undefined) as Json };
  } catch {
    return undefined;
  }
}

function withoutProto(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value;
}
