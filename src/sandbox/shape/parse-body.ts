import type { z } from 'zod';
import { ApiError } from '../api-error.ts';

/** Reads a request's body by its schema. @throws ApiError 400 naming the first field that is wrong */
export function parseBody<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues.map((issue) => ({
    path: [...issue.path, ...(issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [])].join('.') || 'body',
    message: issue.message,
  }));
  throw new ApiError(400, 'VALIDATION', `${first?.path}: ${first?.message}`, { field: first?.path ?? 'body' });
}
