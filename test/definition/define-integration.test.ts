import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { PlaybookError } from '../../src/contracts/errors.ts';
import { defineIntegration } from '../../src/definition/define-integration.ts';
import type { InputOf, Integration, ResultOf } from '../../src/definition/integration.ts';
import { sample } from './sample-integration.ts';

type Sample = typeof sample;

describe('defineIntegration', () => {
  it('infers input and result from the schemas', () => {
    const input: InputOf<Sample> = { document: 'a.pdf', pages: 2 };
    const result: ResultOf<Sample> = { text: 'x' };
    // @ts-expect-error -- a wrong input field is a compile error
    const wrong: InputOf<Sample> = { documnt: 'a.pdf' };
    expect([sample.input.parse(input), sample.result.parse(result)]).toEqual([input, result]);
    expect(sample.input.safeParse(wrong).success).toBe(false);
  });

  it('types the mappers by their own schemas', () => {
    const schemas = {
      input: z.object({ a: z.string(), format: z.enum(['text', 'json']) }),
      response: z.object({ id: z.string() }),
    };
    const inferred = defineIntegration({
      service: 'typed',
      title: 'Typed',
      contractVersion: '1',
      input: schemas.input,
      result: z.number(),
      fromFile: (file) => ({ a: file.uri, format: 'text' as const }),
      // @ts-expect-error -- files makes no input
      upload: { files: () => 'none', request: () => ({ method: 'PUT', path: '/' }) },
      submit: {
        // @ts-expect-error -- the input has no field b
        request: ({ input }) => ({ method: 'POST', path: '/', json: input.b }),
        response: schemas.response,
        // @ts-expect-error -- the answer has no field ident
        read: (body) => ({ externalId: body.ident, word: 'x' }),
        idempotency: { kind: 'none' },
      },
      status: {
        request: () => ({ method: 'GET', path: '/' }),
        response: schemas.response,
        read: (body) => ({ externalId: body.id, word: 'done' }),
      },
      states: { done: 'COMPLETED' },
      cost: { perJobMicros: 0 },
    });
    const file = { uri: 'file:///a', sha256: '', bytes: 1, contentType: 'text/plain' };
    expect(inferred.fromFile?.(file)).toEqual({ a: 'file:///a', format: 'text' });
  });

  it('gives a value that fits where any integration is taken', () => {
    const any: Integration = sample;
    expect(any.service).toBe('sample');
  });

  it('freezes the definition, its schemas still working', () => {
    expect(() => {
      (sample.states as Record<string, string>)['NEW'] = 'COMPLETED';
    }).toThrow(TypeError);
    expect(Object.isFrozen(sample.submit.idempotency)).toBe(true);
    expect(sample.submit.response.parse({ id: 'a', status: 'b' })).toEqual({ id: 'a', status: 'b' });
  });

  it('names every problem of a definition at once', () => {
    const broken = {
      ...sample,
      service: 'A',
      title: ' ',
      contractVersion: 'v3',
      states: { DONE: 'FINISHED' as 'COMPLETED' },
      submit: { ...sample.submit, idempotency: { kind: 'header', name: 'bad header', lifetimeMs: 0 } as const },
      lookup: { ...sample.lookup!, settleMs: -1 },
      errors: [{ code: 'NOPE' as 'INTERNAL', retryable: false }],
      webhook: {
        ...sample.webhook!,
        retryHorizonMs: 0,
        scheme: {
          kind: 'hmac',
          signatureHeader: 'x sig',
          encoding: 'hex',
          template: '{id}.{ts}.{timestamp}.{body}.',
        } as const,
      },
      cost: { perJobMicros: 0.5 },
    };
    const error = thrown(() => defineIntegration(broken));
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toBe(
      [
        'The definition of integration "A" has 17 problem(s):',
        '  service: must be 3 to 40 of a-z, 0-9 and -, beginning with a letter (got "A")',
        '  title: must not be empty',
        '  contractVersion: must be the service\'s own version without a "v", such as 3.4.2 (got "v3")',
        '  states: no word of the service maps to COMPLETED, so that no job could ever succeed',
        '  states.DONE: must be one of PROCESSING, COMPLETED, FAILED, CANCELED (got "FINISHED")',
        '  submit.idempotency.lifetimeMs: must say how many milliseconds the service remembers a key (got 0)',
        '  submit.idempotency.name: must be a header name (got "bad header")',
        '  errors[0]: needs a status or a serviceCode, or it would fit every error',
        '  errors[0].code: is not in the registry (got "NOPE")',
        '  cost.perJobMicros: must be whole micro-dollars, 0 or more (got 0.5)',
        '  lookup.settleMs: must be milliseconds of 0 or more (got -1)',
        '  webhook.retryHorizonMs: must be milliseconds above 0 (got 0)',
        '  webhook.scheme.template: knows {id}, {timestamp} and {body} (got {ts})',
        '  webhook.scheme.template: must end with {body} and contain it once, so that nothing unsigned can follow',
        '  webhook.scheme.timestampHeader: needed, because the template signs {timestamp}',
        '  webhook.scheme.idHeader: needed, because the template signs {id}',
        '  webhook.scheme.signatureHeader: must be a header name (got "x sig")',
      ].join('\n'),
    );
  });
});

function thrown(action: () => unknown): PlaybookError {
  try {
    action();
  } catch (error) {
    if (error instanceof PlaybookError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
