import { describe, expect, it } from '@jest/globals';
import { NamespaceNotFoundError, ServiceError } from '@temporalio/client';
import { translated } from '../../src/client/errors.ts';

const refusal = (code: number, details: string): ServiceError =>
  new ServiceError('Failed to start Workflow', {
    cause: Object.assign(new Error(`${code}: ${details}`), { code, details, metadata: {} }),
  });

describe('what Temporal refuses, in our words', () => {
  it.each([
    [14, 'No connection established', 'TEMPORAL_UNREACHABLE', /does not answer \(unavailable\)/],
    [4, 'Deadline exceeded', 'TEMPORAL_UNREACHABLE', /does not answer \(deadline exceeded\)/],
    [
      16,
      'Request unauthorized.',
      'TEMPORAL_UNREACHABLE',
      /turns this process away \(unauthenticated\).*TEMPORAL_API_KEY/,
    ],
    [7, 'Request unauthorized.', 'TEMPORAL_UNREACHABLE', /turns this process away \(permission denied\)/],
    [3, 'search attribute PlaybookService is not defined', 'SETUP_MISSING', /Run `playbook setup`/],
  ])('gRPC code %d, "%s", is %s', (code, details, name, message) => {
    const error = translated(refusal(code, details));
    expect(error).toMatchObject({ code: name, message: expect.stringMatching(message) });
  });

  it('a namespace that is not there is named', () => {
    expect(translated(new NamespaceNotFoundError('prod'))).toMatchObject({
      code: 'SETUP_MISSING',
      message: expect.stringContaining('no namespace prod. Check TEMPORAL_NAMESPACE'),
    });
  });

  it('anything else is passed on', () => {
    const [other, foreign] = [refusal(3, 'something else'), new Error('mine')];
    expect(translated(other)).toBe(other);
    expect(translated(foreign)).toBe(foreign);
  });
});
