import type { Shape } from '../shape/shape.ts';
import type { FaultRule } from './schema.ts';

type Drift = Extract<FaultRule, { kind: 'drift' }>;
type DriftForm = Shape['drift'];
type JsonObject = Record<string, unknown>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function without(object: JsonObject, path: readonly string[]): JsonObject {
  const [head = '', ...rest] = path;
  const { [head]: value, ...others } = object;
  return rest.length > 0 && isObject(value) ? { ...others, [head]: without(value, rest) } : others;
}

function withStatus(object: JsonObject, path: readonly string[], status: string): JsonObject {
  const [head = '', ...rest] = path;
  const value = object[head];
  if (rest.length > 0) return isObject(value) ? { ...object, [head]: withStatus(value, rest, status) } : object;
  return head in object ? { ...object, [head]: status } : object;
}

function driftObject(object: JsonObject, drift: Drift, form: DriftForm): JsonObject {
  const added = { ...object, ...drift.add };
  const renamed = drift.status === undefined ? added : withStatus(added, form.status.split('.'), drift.status);
  return (drift.remove ?? []).reduce((kept, path) => without(kept, path.split('.')), renamed);
}

/** Lets a JSON answer drift from its contract: the object itself or, for a list, each of its items. */
export function applyDrift(body: unknown, drift: Drift, form: DriftForm): unknown {
  if (!isObject(body)) return body;
  const items = body[form.items];
  return Array.isArray(items)
    ? {
        ...body,
        [form.items]: items.map((item: unknown) => (isObject(item) ? driftObject(item, drift, form) : item)),
      }
    : driftObject(body, drift, form);
}
