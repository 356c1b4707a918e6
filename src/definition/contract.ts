import type { z } from 'zod';
import { PlaybookError } from '../contracts/errors.ts';
import { expectation, showPath, typeName } from './issue-text.ts';
import { unknownFields } from './unknown-fields.ts';

export interface ContractOptions {
  /** What was read, for the message, such as `status` or `result`. */
  readonly where: string;
  /** Told the fields the schema does not know, when there are any: they are allowed, and worth a look. */
  readonly onUnknown?: (paths: readonly string[], where: string) => void;
}

/** Problems named in one message; the first few tell it all. */
const MAX_PROBLEMS = 5;

/**
 * Reads what a service sent by its pinned schema. Unknown extra fields are allowed.
 * @throws PlaybookError CONTRACT_VIOLATION with each field's path, what was expected and the type that came, never the value.
 */
export function parseContract<T>(schema: z.ZodType<T>, body: unknown, options: ContractOptions): T {
  const parsed = schema.safeParse(body, { reportInput: true });
  if (!parsed.success) {
    const { issues } = parsed.error;
    const problems = issues
      .slice(0, MAX_PROBLEMS)
      .map((issue) => `${showPath(issue.path)} ${expectation(issue)} (got ${typeName(issue.input)})`);
    const more = issues.length > MAX_PROBLEMS ? `; and ${issues.length - MAX_PROBLEMS} more` : '';
    // No cause: zod's error holds the values.
    throw new PlaybookError(
      'CONTRACT_VIOLATION',
      `The service's ${options.where} does not fit the pinned schema: ${problems.join('; ')}${more}.`,
    );
  }
  if (options.onUnknown !== undefined) {
    const paths = unknownFields(schema, body);
    if (paths.length > 0) options.onUnknown(paths, options.where);
  }
  return parsed.data;
}

/** Counts unknown fields by place and path, and tells of each one once. */
export class UnknownFieldTally {
  readonly #counts = new Map<string, number>();
  readonly #onFirst: (field: string) => void;

  constructor(onFirst: (field: string) => void) {
    this.#onFirst = onFirst;
  }

  /** Takes what `parseContract` reports. */
  readonly onUnknown = (paths: readonly string[], where: string): void => {
    for (const path of paths) {
      const field = `${where}: ${path}`;
      const count = this.#counts.get(field) ?? 0;
      // A service that invents names without end stays bounded.
      if (count === 0 && this.#counts.size >= 1000) continue;
      this.#counts.set(field, count + 1);
      if (count === 0) this.#onFirst(field);
    }
  };

  /** How often each field was seen, by `where: path`. */
  counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }
}
