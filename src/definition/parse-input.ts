import { PlaybookError } from '../contracts/errors.ts';
import type { Integration } from './integration.ts';

/**
 * A job's input, checked by the integration's schema; every problem in one message, without the values.
 * @throws PlaybookError INVALID_INPUT
 */
export function parseInput<Input>(integration: Integration<Input>, input: unknown): Input {
  const parsed = integration.input.safeParse(input, { reportInput: false });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.length === 0 ? 'input' : path.join('.')}: ${message}`,
  );
  throw new PlaybookError('INVALID_INPUT', `Input of ${integration.service} is not valid. ${problems.join('; ')}`);
}
