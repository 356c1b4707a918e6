import { describe, expect, it } from '@jest/globals';
import { isSameCall, jsonDifferences, requestDifferences, requestLine } from '../../src/proof/compare.ts';
import { scriptOf } from '../../src/proof/script.ts';
import { entry, harOf } from './support.ts';

describe('requestDifferences', () => {
  const json = (body: unknown) => ({ postData: { mimeType: 'application/json', text: JSON.stringify(body) } });

  it('finds none between requests that ask for the same', () => {
    const recorded = entry('submit', 'POST', 'https://a/v1/jobs?x=1&y=[redacted]', {
      headers: [
        { name: 'Accept', value: 'a' },
        { name: 'user-agent', value: 'one' },
        { name: 'authorization', value: '[redacted]' },
      ],
      ...json({ a: 1, b: ['x'], url: 'https://hooks/[redacted]' }),
    });
    const now = entry('submit', 'POST', 'https://b/v1/jobs?y=2&x=1', {
      headers: [
        { name: 'accept', value: 'a' },
        { name: 'traceparent', value: 'new' },
        { name: 'authorization', value: 'Bearer now' },
      ],
      ...json({ url: 'https://hooks/abc', b: ['x'], a: 1 }),
    });
    expect(isSameCall(recorded, now)).toBe(true);
    expect(requestDifferences(recorded, now)).toEqual([]);
  });

  it('names every difference in query, headers and body', () => {
    const recorded = entry('submit', 'POST', 'https://a/v1/jobs?x=1&gone=1', {
      headers: [
        { name: 'x', value: '1' },
        { name: 'dup', value: '1' },
        { name: 'dup', value: '2' },
      ],
      ...json({ a: 1, b: { c: 'long '.repeat(30) }, list: [1, 2], kept: null }),
    });
    const now = entry('submit', 'POST', 'https://a/v1/jobs?x=2&new=1', {
      headers: [
        { name: 'dup', value: '1' },
        { name: 'y', value: '1' },
      ],
      ...json({ a: '1', b: { d: 1 }, list: [1], kept: null }),
    });
    expect(requestDifferences(recorded, now)).toEqual([
      'query x is "2", recorded was "1"',
      'query gone is missing',
      'query new is new',
      'header x is missing',
      'header dup is "1", recorded was "1, 2"',
      'header y is new',
      'body.a is "1", recorded was 1',
      'body.b.c is missing',
      'body.b.d is new',
      'body.list has 1 items, recorded were 2',
    ]);
    expect(jsonDifferences(['long '.repeat(30)], ['short'], 'x')[0]).toMatch(
      /^x\[0\] is "short", recorded was "long .{70,80}…$/,
    );
  });

  it('compares forms and texts as such, and files by their size', () => {
    const form = (text: string) =>
      entry('token', 'POST', 'https://a/t', { postData: { mimeType: 'application/x-www-form-urlencoded', text } });
    expect(requestDifferences(form('a=1&secret=%5Bredacted%5D'), form('a=1&secret=s3cr%2Bet'))).toEqual([]);
    expect(requestDifferences(form('scope=a+b'), form('scope=a'))).toEqual([
      'the body is "scope=a", recorded was "scope=a+b"',
    ]);
    const bytes = (bodySize: number, streamed = true) =>
      entry('upload', 'PUT', 'https://a/f', { bodySize }, streamed ? { streamed: true } : {});
    expect(requestDifferences(bytes(3), bytes(3))).toEqual([]);
    expect(requestDifferences(bytes(3), bytes(4))).toEqual(['the body has 4 bytes, recorded were 3']);
    // A streamed text is not kept, though it could be read now.
    expect(requestDifferences(bytes(3), { ...form('abc'), request: { ...form('abc').request, bodySize: 3 } })).toEqual(
      [],
    );
    expect(requestDifferences(form('a=1'), bytes(0, false))).toEqual(['the body is missing']);
    expect(requestDifferences(bytes(0, false), form('a=1'))).toEqual(['the body is new']);
  });

  it('tells calls apart by method and path', () => {
    const get = entry('poll', 'GET', 'https://a/v1/jobs/1?x=y');
    expect(requestLine(get)).toBe('GET /v1/jobs/1?x=y');
    expect(isSameCall(get, entry('poll', 'POST', 'https://a/v1/jobs/1'))).toBe(false);
    expect(isSameCall(get, entry('poll', 'GET', 'https://a/v1/jobs/2'))).toBe(false);
    expect(
      isSameCall(entry('poll', 'GET', 'https://a/p/%5Bredacted%5D/x'), entry('poll', 'GET', 'https://a/p/7/x')),
    ).toBe(true);
  });
});

describe('scriptOf', () => {
  const at = (kind: string, ms: number, time = 5, more: object = {}) =>
    entry(kind, 'POST', `https://a/${kind}`, {}, more, { ms, time });

  it('puts each webhook where it came: while a request was under way, or after it', () => {
    const early = at('webhook', 12);
    const late = at('webhook', 30);
    const { steps, tokens, webhookBeforePolls } = scriptOf(
      harOf([at('token', 0), at('submit', 10), early, at('poll', 20), late]),
    );
    expect(
      steps.map(({ entry: { _playbook }, webhooksBefore, webhooksAfter }) => [
        _playbook.kind,
        webhooksBefore,
        webhooksAfter,
      ]),
    ).toEqual([
      ['submit', [early], []],
      ['poll', [], [late]],
    ]);
    expect(tokens).toHaveLength(1);
    expect(webhookBeforePolls).toBe(true);
  });

  it('knows when polls came first, and leaves out what never arrived or was refused', () => {
    const never = at('submit', 1, 5, { failure: { code: 'SERVICE_UNAVAILABLE', arrival: 'never' } });
    const refused = at('webhook', 15);
    const script = scriptOf(
      harOf([
        never,
        at('submit', 10),
        { ...refused, response: { ...refused.response, status: 401 } },
        at('poll', 20),
        at('webhook', 30),
      ]),
    );
    expect(script.steps).toHaveLength(2);
    expect(script.steps[0]?.webhooksAfter).toEqual([]);
    expect(script.webhookBeforePolls).toBe(false);
    expect(scriptOf(harOf([at('submit', 1)])).webhookBeforePolls).toBe(false);
  });
});
