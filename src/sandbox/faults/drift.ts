import type { FaultRule } from './schema.ts';

type Drift = Extract<FaultRule, { kind: 'drift' }>;
type JsonObject = Record<string, unknown>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function without(object: JsonObject, path: readonly string[]): JsonObject {
  const [head = '', ...rest] = path;
  const { [head]: value, ...others } = object;
  return rest.length > 0 && isObject(value) ? { ...others, [head]: without(value, rest) } : others;
}

function driftObject(object: JsonObject, drift: Drift): JsonObject {
  const added = { ...object, ...drift.add };
  const renamed = drift.status !== undefined && 'status' in added ? { ...added, status: drift.status } : added;
  return (drift.remove ?? []).reduce((kept, path) => without(kept, path.split('.')), renamed);
}

/** Lets a JSON answer drift from its contract: the object itself or, for a list, each of its items. */
export function applyDrift(body: unknown, drift: Drift): unknown {
  if (!isObject(body)) return body;
  const items = body['data'];
  return Array.isArray(items)
    ? { ...body, data: items.map((item: unknown) => (isObject(item) ? driftObject(item, drift) : item)) }
    : driftObject(body, drift);
}
