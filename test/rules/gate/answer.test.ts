import { describe, expect, it } from '@jest/globals';
import { gateAnswer } from '../../../src/rules/gate/answer.ts';
import type { Failure } from '../../../src/rules/failure.ts';

const failure = (code: Failure['code'], more: Partial<Failure> = {}): Failure => ({
  code,
  retryable: true,
  arrival: 'refused',
  throttled: false,
  message: '',
  ...more,
});

describe('the gate’s view of an answer', () => {
  it.each<[string, Failure | undefined, ReturnType<typeof gateAnswer>['kind']]>([
    ['no failure', undefined, 'accepted'],
    ['a 429', failure('THROTTLED', { status: 429 }), 'throttled'],
    ['a 503 the integration calls throttling', failure('THROTTLED', { status: 503 }), 'throttled'],
    ['a 503', failure('SERVICE_UNAVAILABLE', { status: 503 }), 'down'],
    ['a 503 with Retry-After', failure('THROTTLED', { status: 503, retryAfterMs: 1_000 }), 'down'],
    ['no answer in time', failure('SERVICE_TIMEOUT'), 'down'],
    ['a 404', failure('NOT_FOUND', { status: 404 }), 'accepted'],
    ['a 401', failure('AUTH_FAILED', { status: 401 }), 'accepted'],
  ])('%s', (_name, failed, kind) => {
    expect(gateAnswer({ limits: {}, ...(failed === undefined ? {} : { failure: failed }) }).kind).toBe(kind);
  });

  it('takes Retry-After from a refusal or an outage, and not from a 202 that means one job’s next poll', () => {
    const limits = { retryAfterMs: 5_000 };
    expect(gateAnswer({ limits })).toEqual({ kind: 'accepted', limits });
    expect(gateAnswer({ limits, failure: failure('CONFLICT', { retryAfterMs: 5_000 }) })).toEqual({
      kind: 'accepted',
      limits,
    });
    expect(gateAnswer({ limits, failure: failure('THROTTLED', { status: 429 }) }).retryAfterMs).toBe(5_000);
    expect(gateAnswer({ limits: {}, failure: failure('SERVICE_UNAVAILABLE', { retryAfterMs: 7 }) }).retryAfterMs).toBe(
      7,
    );
  });
});
