import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { classifiedPaths, classify, pci, phi, pii, secret } from '../../src/definition/index.ts';
import { redactValue } from '../../src/rules/redaction.ts';

const person = z.object({
  name: pii(z.string()).min(1).describe('as in the passport'),
  contacts: z.array(z.object({ email: pii(z.email()).optional(), kind: z.string() })),
  notes: z.record(z.string(), phi(z.string())),
  card: pci(z.object({ number: z.string() })).nullable(),
  pair: z.tuple([z.string(), secret(z.string())]),
  way: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('a'), pin: secret(z.string()) }),
    z.object({ kind: z.literal('b'), city: z.string() }),
  ]),
});

const value = {
  name: 'Ann',
  contacts: [{ email: 'a@b.example', kind: 'work' }],
  notes: { monday: 'ill' },
  card: { number: '4111' },
  pair: ['x', 'y'],
  way: { kind: 'a', pin: '1234' },
};

describe('classification marks', () => {
  it('are found wherever they stand', () => {
    expect(
      Object.fromEntries(classifiedPaths(person).map(({ path, dataClass }) => [path.join('.'), dataClass])),
    ).toEqual({
      name: 'pii',
      'contacts.*.email': 'pii',
      'notes.*': 'phi',
      card: 'pci',
      'pair.1': 'secret',
      'way.pin': 'secret',
    });
  });

  it('redact a value by its schema', () => {
    expect(redactValue(value, classify(person))).toEqual({
      name: '[redacted: pii]',
      contacts: [{ email: '[redacted: pii]', kind: 'work' }],
      notes: { monday: '[redacted: phi]' },
      card: '[redacted: pci]',
      pair: ['x', '[redacted: secret]'],
      way: { kind: 'a', pin: '[redacted: secret]' },
    });
  });

  it('change neither types nor parsing nor JSON Schemas', () => {
    expect(person.parse(value)).toEqual(value);
    const name: string = person.parse(value).name;
    expect(name).toBe('Ann');
    expect(z.toJSONSchema(pii(z.string()))).toEqual(z.toJSONSchema(z.string()));
  });

  it('mark one use of a shared schema, not the others', () => {
    const email = z.email();
    const schema = z.object({ private: pii(email), public: email });
    expect(classifiedPaths(schema)).toEqual([{ path: ['private'], dataClass: 'pii' }]);
  });

  it('end where a schema holds itself, and go on beside it', () => {
    const anything = z.object({ any: z.json(), list: z.array(pii(z.string())) });
    expect(classifiedPaths(anything).map(({ path }) => path.join('.'))).toEqual(['list.*']);
  });

  it('reach every depth of a recursive schema', () => {
    const node: z.ZodType = z.object({
      secretName: z.string(),
      label: pii(z.string()),
      next: z.lazy(() => node).optional(),
    });
    expect(redactValue({ label: 'a', next: { label: 'b', next: { label: 'c' } } }, classify(node))).toEqual({
      label: '[redacted: pii]',
      next: { label: '[redacted: pii]', next: { label: '[redacted: pii]' } },
    });
    expect(classifiedPaths(node)).toEqual([{ path: ['label'], dataClass: 'pii' }]);
  });

  it('hold for a whole value, and say nothing of what the schema does not describe', () => {
    expect(redactValue({ a: 1 }, classify(pii(z.object({ a: z.number() }))))).toBe('[redacted: pii]');
    expect(redactValue({ a: { b: 1 } }, classify(z.object({ a: z.unknown() })))).toEqual({ a: { b: 1 } });
    expect(redactValue([['x']], classify(z.array(z.array(phi(z.string())))))).toEqual([['[redacted: phi]']]);
  });
});
