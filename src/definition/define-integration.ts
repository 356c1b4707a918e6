import { PlaybookError } from '../contracts/errors.ts';
import { specProblems } from './check-spec.ts';
import { deepFreeze } from './deep-freeze.ts';
import type { Integration, IntegrationSpec } from './integration.ts';

/**
 * Turns the description of an external service into an integration: checked, frozen, and typed by its own schemas, so that
 * a spec written inline needs no annotation.
 * @throws PlaybookError CONFIG_INVALID listing everything that is wrong with the spec.
 */
export function defineIntegration<
  Input,
  Result,
  SubmitBody,
  StatusBody,
  FetchBody,
  LookupBody,
  CancelBody,
  ListBody,
  Event,
>(
  spec: IntegrationSpec<Input, Result, SubmitBody, StatusBody, FetchBody, LookupBody, CancelBody, ListBody, Event>,
): Integration<Input, Result> {
  const problems = specProblems(spec);
  if (problems.length > 0) {
    throw new PlaybookError(
      'CONFIG_INVALID',
      `The definition of integration ${JSON.stringify(spec.service)} has ${problems.length} problem(s):\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    );
  }
  return deepFreeze({ ...spec });
}
