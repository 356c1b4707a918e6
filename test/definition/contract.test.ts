import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { PlaybookError } from '../../src/contracts/errors.ts';
import { parseContract, UnknownFieldTally } from '../../src/definition/index.ts';
import { unknownFields } from '../../src/definition/unknown-fields.ts';

const answer = z.object({
  id: z.string(),
  status: z.enum(['DONE', 'BUSY']),
  pages: z.array(z.object({ number: z.int().min(1), text: z.string().min(1).max(3).optional() })).max(3),
});

function violation(schema: z.ZodType, body: unknown): string {
  try {
    parseContract(schema, body, { where: 'answer' });
  } catch (error) {
    if (error instanceof PlaybookError && error.code === 'CONTRACT_VIOLATION') {
      return error.cause === undefined ? error.message : 'the error has a cause, which could hold values';
    }
    throw error;
  }
  throw new Error('the contract was kept');
}

describe('parseContract', () => {
  it('gives the typed body', () => {
    const body = parseContract(answer, { id: 'a', status: 'DONE', pages: [] }, { where: 'answer' });
    const id: string = body.id;
    expect(id).toBe('a');
  });

  it('names each field with what was expected and the type that came, never the value', () => {
    const body = {
      status: 'c4nary',
      pages: [{ number: 0, text: '' }, { number: 'c4nary', text: 'c4nary' }, { number: 1.5 }],
    };
    const message = violation(answer, body);
    expect(message).toBe(
      "The service's answer does not fit the pinned schema: id must be text (got nothing); status must be one of DONE, BUSY (got text); " +
        'pages[0].number must be at least 1 (got a number); pages[0].text must not be empty or so short (got text); ' +
        'pages[1].number must be a number (got text); and 2 more.',
    );
  });

  it.each<[z.ZodType, unknown, string]>([
    [z.object({}), null, '(top) must be an object (got null)'],
    [z.object({}), undefined, '(top) must be an object (got nothing)'],
    [z.object({}), [], '(top) must be an object (got a list)'],
    [z.array(z.string()), {}, '(top) must be a list (got an object)'],
    [z.boolean(), 5, '(top) must be true or false (got a number)'],
    [z.number().positive(), 0, '(top) must be above 0 (got a number)'],
    [z.number().max(3), 4, '(top) must be at most 3 (got a number)'],
    [z.string().max(3), 'c4nary', '(top) must not be so long (got text)'],
    [z.iso.datetime(), 'c4nary', '(top) must match '],
    [z.string().regex(/^a/), 'c4nary', '(top) must match /^a/ (got text)'],
    [z.union([z.string(), z.number()]), true, '(top) must have one of the forms the schema lists (got a boolean)'],
    [z.string().refine((text) => text === 'x', 'must be x'), 'c4nary', '(top) must be x (got text)'],
    [z.date(), 'c4nary', '(top) must be date (got text)'],
  ])('case %#', (schema, body, problem) => {
    const message = violation(schema, body);
    expect(message).toContain(`The service's answer does not fit the pinned schema: ${problem}`);
    expect(message).not.toContain('c4nary');
  });

  it('allows unknown fields, and tells of them', () => {
    const told: unknown[] = [];
    const body = {
      id: 'a',
      status: 'DONE',
      new: 1,
      pages: [
        { number: 1, x: 1 },
        { number: 2, x: 2, y: 3 },
      ],
    };
    parseContract(answer, body, { where: 'answer', onUnknown: (...what) => told.push(what) });
    parseContract(
      answer,
      { id: 'a', status: 'DONE', pages: [] },
      { where: 'answer', onUnknown: () => told.push('again') },
    );
    expect(told).toEqual([[['new', 'pages[].x', 'pages[].y'], 'answer']]);
  });
});

describe('unknownFields', () => {
  it.each<[string, z.ZodType, unknown, string[]]>([
    ['a loose object', z.looseObject({ a: z.string() }), { a: 'x', b: 1 }, []],
    ['a field of any shape', z.object({ a: z.unknown() }), { a: { b: 1 } }, []],
    ['a record', z.record(z.string(), z.object({ a: z.string() })), { k: { a: 'x', b: 1 } }, ['k.b']],
    [
      'a tuple',
      z.tuple([z.object({ a: z.string() })], z.object({ b: z.string() })),
      [
        { a: '', x: 1 },
        { b: '', y: 1 },
      ],
      ['[].x', '[].y'],
    ],
    ['wrappers', z.object({ a: z.object({}).nullable().optional().default({}) }).readonly(), { a: { b: 1 } }, ['a.b']],
    [
      'a union: known to one form is known',
      z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]),
      { a: '', b: '', c: 1 },
      ['c'],
    ],
    [
      'an intersection',
      z.intersection(z.object({ a: z.string() }), z.object({ b: z.string() })),
      { a: '', b: '', c: 1 },
      ['c'],
    ],
    ['a transform', z.object({ a: z.string() }).transform((body) => body.a), { a: '', b: 1 }, ['b']],
    ['an inherited name', z.object({ a: z.string() }), { a: '', toString: 1 }, ['toString']],
    ['text', z.string(), 'x', []],
  ])('of %s', (_name, schema, value, paths) => {
    expect(unknownFields(schema, value)).toEqual(paths);
  });

  it('follows recursive schemas as deep as the value goes', () => {
    const tree = z.object({
      get children() {
        return z.array(tree);
      },
    });
    expect(unknownFields(tree, { children: [{ children: [{ children: [], x: 1 }] }] })).toEqual([
      'children[].children[].x',
    ]);
    const lazy: z.ZodType = z.object({ next: z.lazy(() => lazy).optional() });
    expect(unknownFields(lazy, { next: { next: { y: 1 } } })).toEqual(['next.next.y']);
  });

  it('stays small, whatever comes', () => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`${'k'.repeat(100)}${index}`, 1]));
    const few = unknownFields(
      z.object({}),
      Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`k${index}`, 1])),
    );
    expect(unknownFields(z.object({}), many)).toEqual(['k'.repeat(64)]);
    expect(few).toHaveLength(20);
  });
});

describe('UnknownFieldTally', () => {
  it('counts every field and tells of each once', () => {
    const told: string[] = [];
    const tally = new UnknownFieldTally((field) => told.push(field));
    tally.onUnknown(['a', 'b'], 'status');
    tally.onUnknown(['a'], 'status');
    tally.onUnknown(['a'], 'result');
    expect(told).toEqual(['status: a', 'status: b', 'result: a']);
    expect(Object.fromEntries(tally.counts())).toEqual({ 'status: a': 2, 'status: b': 1, 'result: a': 1 });
  });

  it('is bounded', () => {
    const tally = new UnknownFieldTally(() => {});
    for (let index = 0; index < 1100; index += 1) tally.onUnknown([`f${index}`], 'status');
    expect(tally.counts().size).toBe(1000);
  });
});
