import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { isErrorCode } from '../../src/contracts/errors.ts';
import { classifyAnswer } from '../../src/rules/classify.ts';
import { classifyTransport } from '../../src/rules/classify-transport.ts';
import type { ErrorRule } from '../../src/rules/failure.ts';

describe('the default table', () => {
  it.each([
    [301, 'CONTRACT_VIOLATION', false, 'refused', false],
    [303, 'CONTRACT_VIOLATION', false, 'maybe', false],
    [304, 'CONTRACT_VIOLATION', false, 'refused', false],
    [400, 'VALIDATION', false, 'refused', false],
    [401, 'AUTH_FAILED', false, 'refused', false],
    [402, 'VALIDATION', false, 'refused', false],
    [403, 'AUTH_FAILED', false, 'refused', false],
    [404, 'NOT_FOUND', false, 'refused', false],
    [405, 'CONTRACT_VIOLATION', false, 'refused', false],
    [406, 'CONTRACT_VIOLATION', false, 'refused', false],
    [407, 'AUTH_FAILED', false, 'refused', false],
    [408, 'SERVICE_TIMEOUT', true, 'maybe', false],
    [409, 'CONFLICT', false, 'refused', false],
    [410, 'NOT_FOUND', false, 'refused', false],
    [412, 'CONFLICT', false, 'refused', false],
    [413, 'PAYLOAD_TOO_LARGE', false, 'refused', false],
    [415, 'UNSUPPORTED_MEDIA_TYPE', false, 'refused', false],
    [422, 'VALIDATION', false, 'refused', false],
    [423, 'CONFLICT', false, 'refused', false],
    [425, 'SERVICE_UNAVAILABLE', true, 'refused', false],
    [429, 'THROTTLED', true, 'refused', true],
    [451, 'VALIDATION', false, 'refused', false],
    [500, 'SERVICE_UNAVAILABLE', true, 'maybe', false],
    [501, 'CONTRACT_VIOLATION', false, 'refused', false],
    [502, 'SERVICE_UNAVAILABLE', true, 'maybe', false],
    [503, 'SERVICE_UNAVAILABLE', true, 'maybe', false],
    [504, 'SERVICE_TIMEOUT', true, 'maybe', false],
    [505, 'CONTRACT_VIOLATION', false, 'refused', false],
    [522, 'SERVICE_UNAVAILABLE', true, 'maybe', false],
  ] as const)('%d is %s, retryable %s, arrival %s, throttled %s', (status, code, retryable, arrival, throttled) => {
    expect(classifyAnswer({ status }, [])).toMatchObject({ status, code, retryable, arrival, throttled });
  });

  it('a 503 that says when to come back is a throttle', () => {
    expect(classifyAnswer({ status: 503, retryAfterMs: 5000 }, [])).toMatchObject({
      code: 'THROTTLED',
      retryable: true,
      arrival: 'refused',
      throttled: true,
      retryAfterMs: 5000,
    });
  });

  it('a 409 that says when to come back is busy, and uses up an attempt', () => {
    expect(classifyAnswer({ status: 409, retryAfterMs: 5000 }, [])).toMatchObject({
      code: 'CONFLICT',
      conflict: 'busy',
      retryable: true,
      throttled: false,
      retryAfterMs: 5000,
    });
  });

  it.each([
    [403, 'jobs:write', 'The service answered 403: the token lacks the scope "jobs:write".'],
    [401, 'jobs:write', 'The service answered 401: the token lacks the scope "jobs:write".'],
    [403, '', 'The service answered 403: the token lacks a scope it does not name.'],
  ])('a missing scope at %d is named: "%s"', (status, missingScope, message) => {
    expect(classifyAnswer({ status, missingScope }, [])).toMatchObject({
      code: 'SCOPE_MISSING',
      retryable: false,
      message,
    });
  });

  it('a redirect says that it is not followed', () => {
    expect(classifyAnswer({ status: 302 }, []).message).toBe(
      'The service answered 302: a redirect, and redirects are not followed. Check service.base_url.',
    );
  });
});

describe('an integration’s rules', () => {
  const rules: readonly ErrorRule[] = [
    { status: 409, serviceCode: 'exists', code: 'CONFLICT', retryable: false, conflict: 'duplicate' },
    { status: 409, serviceCode: ['no_capacity', 'in_flight'], code: 'CONFLICT', retryable: true, conflict: 'busy' },
    { status: [409, 400], serviceCode: 'bad_param', code: 'VALIDATION', retryable: false, conflict: 'invalid' },
    { status: 400, serviceCode: 'too_early', code: 'THROTTLED', retryable: true },
    { serviceCode: 'job_not_found', code: 'NOT_FOUND', retryable: false, arrival: 'accepted' },
    { status: 500, code: 'REMOTE_FAILED', retryable: false, throttled: false },
  ];

  it.each([
    [409, 'exists', { code: 'CONFLICT', conflict: 'duplicate', arrival: 'accepted', retryable: false }],
    [409, 'in_flight', { code: 'CONFLICT', conflict: 'busy', arrival: 'refused', retryable: true }],
    [400, 'bad_param', { code: 'VALIDATION', conflict: 'invalid', retryable: false }],
    [400, 'too_early', { code: 'THROTTLED', throttled: true, retryable: true }],
    [200, 'job_not_found', { code: 'NOT_FOUND', arrival: 'accepted' }],
    [500, undefined, { code: 'REMOTE_FAILED', retryable: false, arrival: 'maybe' }],
    [409, 'other', { code: 'CONFLICT', retryable: false }],
    [400, undefined, { code: 'VALIDATION', retryable: false }],
  ])('go before the table, the first that fits: %d %s', (status, serviceCode, expected) => {
    const answer = { status, ...(serviceCode === undefined ? {} : { serviceCode }) };
    expect(classifyAnswer(answer, rules)).toMatchObject(expected);
  });

  it('cannot hide how long the service asked us to wait', () => {
    expect(classifyAnswer({ status: 400, serviceCode: 'too_early', retryAfterMs: 9 }, rules).retryAfterMs).toBe(9);
  });
});

describe('the message', () => {
  it.each([
    [{ status: 422 }, 'The service answered 422.'],
    [{ status: 422, serviceCode: 'bad_file' }, 'The service answered 422 (bad_file).'],
    [{ status: 422, serviceMessage: 'no pages' }, 'The service answered 422 (no pages).'],
    [
      { status: 422, serviceCode: 'bad_file', serviceMessage: 'no pages' },
      'The service answered 422 (bad_file: no pages).',
    ],
    [{ status: 200, serviceCode: 'bad_file' }, 'The service answered 200 with a failure inside (bad_file).'],
    [
      { status: 422, serviceMessage: 'a\r\n\u001B[31mred\u0000\u202Egnp.exe' },
      'The service answered 422 (a [31mred gnp.exe).',
    ],
    [{ status: 422, serviceCode: 'not a token {"name":"Jane"}' }, 'The service answered 422.'],
  ])('%j', (answer, message) => {
    expect(classifyAnswer(answer, []).message).toBe(message);
  });

  it('is one printable line of bounded length, and the code one of the registry, whatever the service says', () => {
    const text = fc.string({ unit: 'binary', maxLength: 2000 });
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 599 }), text, text, (status, serviceCode, serviceMessage) => {
        const failure = classifyAnswer({ status, serviceCode, serviceMessage }, []);
        expect(isErrorCode(failure.code)).toBe(true);
        expect(failure.message.length).toBeLessThan(600);
        expect(failure.message).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
        expect(failure.message).toContain(String(status));
        // A server error that is not about the request itself may have done the work first.
        const unclear = status >= 500 && ![501, 505].includes(status);
        expect(failure.arrival === 'maybe').toBe(unclear || [303, 408].includes(status));
      }),
      { numRuns: 500, seed: 4 },
    );
  });
});

describe('an exchange without an answer', () => {
  const message = 'why';
  it.each([
    ['connect', 'never', 'SERVICE_UNAVAILABLE', true, true],
    ['connect-timeout', 'never', 'SERVICE_UNAVAILABLE', true, true],
    ['tls', 'never', 'SERVICE_UNAVAILABLE', true, false],
    ['reset', 'maybe', 'SERVICE_UNAVAILABLE', true, false],
    ['read-timeout', 'maybe', 'SERVICE_TIMEOUT', true, false],
    ['total-timeout', 'maybe', 'SERVICE_TIMEOUT', true, false],
    ['total-timeout', 'never', 'SERVICE_TIMEOUT', true, true],
    ['too-large', 'maybe', 'RESPONSE_TOO_LARGE', false, false],
    ['protocol', 'maybe', 'CONTRACT_VIOLATION', false, false],
    ['aborted', 'maybe', 'CANCELED', false, false],
  ] as const)('%s, arrived %s: %s, retryable %s, throttled %s', (problem, arrival, code, retryable, throttled) => {
    expect(classifyTransport({ problem, arrival, message })).toEqual({ code, retryable, arrival, throttled, message });
  });
});
