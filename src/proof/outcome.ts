import { extname } from 'node:path';
import type { JobOutcome } from '../contracts/jobs.ts';
import type { Json } from '../contracts/json.ts';
import type { Integration } from '../definition/index.ts';
import type { Manifest } from './manifest.ts';
import type { Sanitizer } from './sanitizer.ts';

/** How a job ended, as far as it is kept. */
export function keepableOutcome(
  integration: Integration,
  outcome: JobOutcome<unknown>,
  sanitizer: Sanitizer,
): Manifest['outcome'] {
  const { state, externalId, error, costMicros, result } = outcome;
  return {
    state,
    externalId,
    errorCode: error?.code ?? null,
    costMicros,
    result: result === null ? null : (sanitizer.json(result, [integration.result]) as Json),
  };
}

/** A job's input as it may be kept: classified fields are placeholders, files have a name that says nothing. */
export function keepableInput(integration: Integration, input: unknown, sanitizer: Sanitizer): Json {
  let count = 0;
  const withoutPaths = (value: unknown): unknown => {
    if (typeof value === 'string' && value.startsWith('file:')) {
      count += 1;
      return `file:///proof/input-${count}${extname(new URL(value).pathname)}`;
    }
    if (Array.isArray(value)) return value.map(withoutPaths);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, withoutPaths(child)]));
  };
  return withoutPaths(sanitizer.json(input, [integration.input])) as Json;
}
