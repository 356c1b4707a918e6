import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { pii, phi, secret } from '../../src/definition/index.ts';
import { createRedactor } from '../../src/logging/redactor.ts';
import { createSanitizer } from '../../src/proof/sanitizer.ts';

const sanitizer = () => createSanitizer(createRedactor().text);

describe('a sanitizer', () => {
  it('replaces classified, sensitively named and undescribed fields by placeholders of the same type', () => {
    const schema = z.object({
      id: z.string(),
      name: pii(z.string()),
      age: pii(z.number()),
      pregnant: phi(z.boolean().nullable()),
      pages: z.array(z.object({ text: pii(z.string()) })),
      notes: pii(z.array(z.object({ a: z.string() }))),
      anything: z.unknown(),
      more: z.record(z.string(), z.string()),
      pair: z.tuple([z.string(), pii(z.string())]),
      token: z.string(),
    });
    const value = {
      id: 'job_1',
      name: 'Ann Example',
      age: 42,
      pregnant: true,
      pages: [{ text: 'Dear Ann Example' }],
      notes: [{ a: 'private' }],
      anything: { kept: 'as it is', password: 'hunter2-hunter2' },
      more: { x: 'shown' },
      pair: ['shown', 'not shown'],
      token: 'abc',
      undeclared: { canary: 'secret-canary', n: 7 },
      empty: null,
    };
    const safe = sanitizer().json(value, [schema]);
    expect(safe).toEqual({
      id: 'job_1',
      name: '[redacted: pii]',
      age: 0,
      pregnant: false,
      pages: [{ text: '[redacted: pii]' }],
      notes: [{ a: '[redacted: pii]' }],
      anything: { kept: 'as it is', password: '[redacted]' },
      more: { x: 'shown' },
      pair: ['shown', '[redacted: pii]'],
      token: '[redacted]',
      undeclared: { canary: '[redacted: not in the schema]', n: 0 },
      empty: null,
    });
    expect(schema.safeParse(safe).success).toBe(true);
  });

  it('removes a classified value wherever else it turns up, once it has met it', () => {
    const { json, text, path, parameters, headers } = sanitizer();
    json({ name: 'Ann Example', id: 'X' }, [z.object({ name: pii(z.string()), id: secret(z.string()) })]);
    expect(text('Dear Ann Example, X')).toBe('Dear [redacted: pii], X');
    expect(text('Ann Example')).toBe('[redacted: pii]');
    expect(path('/people/Ann%20Example/jobs%2F1')).toBe('/people/%5Bredacted%3A%20pii%5D/jobs%2F1');
    expect(parameters(new URLSearchParams({ q: 'Ann Example', api_key: 'k', n: '1' })).toString()).toBe(
      'q=%5Bredacted%3A+pii%5D&api_key=%5Bredacted%5D&n=1',
    );
    expect(headers({ authorization: 'Bearer x', 'x-for': 'Ann Example', accept: '*/*' })).toEqual({
      authorization: '[redacted]',
      'x-for': '[redacted: pii]',
      accept: '*/*',
    });
    expect(json({ customer: 'Ann Example', list: ['Ann Example'] })).toEqual({
      customer: '[redacted: pii]',
      list: ['[redacted: pii]'],
    });
  });

  it('keeps the shape of a text where its schema insists on one, and uses it everywhere', () => {
    const { json, text } = sanitizer();
    const schema = z.object({ email: pii(z.email()), when: pii(z.string()) });
    const safe = json({ email: 'ann@example.org', when: 'May 1' }, [schema]);
    expect(safe).toEqual({ email: 'xxx@xxxxxxx.xxx', when: 'xxx 0' });
    expect(schema.safeParse(safe).success).toBe(true);
    expect(text('to ann@example.org')).toBe('to xxx@xxxxxxx.xxx');
  });

  it('hides what fits no schema all the same, and the token of a callback URL', () => {
    const { json, path } = sanitizer();
    expect(json({ name: 'Ann Example' }, [z.object({ name: pii(z.string()), gone: z.string() })])).toEqual({
      name: '[redacted: pii]',
    });
    expect(path('/webhooks/docproc/MS9kb2Nwcm9jLzEvZGVtbw.EdEzg3aaaJwt6W0Gd8lvFg')).toBe(
      '/webhooks/docproc/[redacted]',
    );
    expect(path('/%E0%A4%A')).toBe('/%E0%A4%A');
    let deep: unknown = 'end';
    for (let i = 0; i < 80; i += 1) deep = [deep];
    expect(JSON.stringify(json(deep))).toContain('[redacted]');
  });
});
