import type { z } from 'zod';
import { nearestName } from '../rules/nearest-name.ts';
import { expectation, typeName } from './issue-text.ts';

/** One thing wrong with a configuration. */
export interface ConfigProblem {
  /** Keys and indexes from the top. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

type Raw = z.core.$ZodRawIssue;
type Issue = z.core.$ZodIssue;

/** Names what was found. Text is described by its type only, because it may be a secret in the wrong place. */
function found(value: unknown): string {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeName(value);
}

function sentence(issue: Issue): string {
  if (issue.input === undefined) return `is missing: ${expectation(issue)}`;
  switch (issue.code) {
    case 'custom':
      return issue.params?.['showFound'] === true ? `${issue.message} (got ${found(issue.input)})` : issue.message;
    case 'invalid_value':
      return `${expectation(issue)} (got ${typeof issue.input === 'string' ? JSON.stringify(issue.input.slice(0, 40)) : found(issue.input)})`;
    default: {
      const quotes = issue.code === 'invalid_type' && issue.expected === 'string' && typeof issue.input !== 'object';
      return `${expectation(issue)} (got ${found(issue.input)})${quotes ? '; write it in quotes' : ''}`;
    }
  }
}

/** Parses with a strict schema and collects every problem, unknown keys with the keys that are allowed there. */
export function parseStrictly<T>(
  schema: z.ZodType<T>,
  value: unknown,
): { readonly value?: T; readonly problems: readonly ConfigProblem[] } {
  const allowed = new Map<readonly string[], readonly string[]>();
  const parsed = schema.safeParse(value, {
    reportInput: true,
    error: (issue: Raw) => {
      const definition: unknown = issue.inst?._zod.def;
      if (issue.code === 'unrecognized_keys' && isShaped(definition)) {
        allowed.set(issue.keys, Object.keys(definition.shape));
      }
      return undefined;
    },
  });
  if (parsed.success) return { value: parsed.data, problems: [] };
  return {
    problems: parsed.error.issues.flatMap((issue) => {
      const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
      if (issue.code === 'unrecognized_keys') {
        const names = allowed.get(issue.keys) ?? [];
        return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(key, names) }));
      }
      if (issue.code === 'invalid_union' && issue.discriminator !== undefined) {
        return [{ path, message: discriminated(issue, issue.discriminator) }];
      }
      return [{ path, message: sentence(issue) }];
    }),
  };
}

function isShaped(definition: unknown): definition is { readonly shape: object } {
  return typeof definition === 'object' && definition !== null && 'shape' in definition;
}

function unknownKey(key: string, allowed: readonly string[]): string {
  const near = nearestName(key, allowed);
  return `is not a known key${near === undefined ? '.' : `, did you mean ${near}?`} Allowed: ${allowed.join(', ')}`;
}

function discriminated(issue: z.core.$ZodIssueInvalidUnion, key: string): string {
  const options = ('options' in issue && Array.isArray(issue.options) ? issue.options : []).map(String);
  const input: unknown = issue.input;
  const value: unknown = typeof input === 'object' && input !== null ? Reflect.get(input, key) : undefined;
  if (typeof value !== 'string') return `must be one of ${options.join(', ')} (got ${found(value)})`;
  const near = nearestName(value, options);
  return `must be one of ${options.join(', ')} (got ${JSON.stringify(value.slice(0, 40))}${near === undefined ? '' : `, did you mean ${near}?`})`;
}
