import { describe, expect, it } from '@jest/globals';
import { audit, isClean, type Held, type Said } from './audit.ts';
import type { Asked } from './load.ts';

const job = (key: string, more: Partial<Asked> = {}): Asked => ({
  key,
  text: `text of ${key}`,
  canceled: false,
  ...more,
});
const held = (key: string, status = 'COMPLETED', id = `x-${key}`): Held => ({ id, status, reference: `${key}~1` });
const said = (key: string, more: Partial<Said> = {}): [string, Said] => [
  key,
  { key, state: 'COMPLETED', code: null, externalId: `x-${key}`, text: `text of ${key}`, nondeterministic: 0, ...more },
];
const all = (asked: Asked[], at: Held[], ends: [string, Said][]) => audit(asked, at, new Map(ends));

describe('the audit of a chaos run', () => {
  it('is clean where all three agree, canceled and unreadable jobs included', () => {
    const found = all(
      [job('a'), job('b', { text: null }), job('c', { canceled: true }), job('d', { canceled: true })],
      [held('a'), held('b', 'FAILED'), held('c', 'CANCELED')],
      [
        said('a'),
        said('b', { state: 'FAILED', code: 'REMOTE_FAILED', text: null }),
        said('c', { state: 'CANCELED', code: 'CANCELED', text: null }),
        said('d', { state: 'CANCELED', code: 'CANCELED', text: null, externalId: null }),
      ],
    );
    expect(found).toEqual({
      lost: [],
      duplicated: [],
      wrong: [],
      jobs: 4,
      endings: { COMPLETED: 1, 'FAILED REMOTE_FAILED': 1, 'CANCELED CANCELED': 2 },
    });
    expect(isClean(found)).toBe(true);
  });

  it('calls lost what Temporal does not know and what is not over', () => {
    const found = all([job('a'), job('b')], [held('b', 'PROCESSING')], [said('b', { state: 'PENDING' })]);
    expect(found.lost).toEqual([
      'a is unknown to Temporal; at the service: nothing',
      'b is PENDING; at the service: PROCESSING',
    ]);
    expect(isClean(found)).toBe(false);
  });

  it('calls duplicated what the service holds twice', () => {
    const found = all([job('a')], [held('a'), held('a', 'COMPLETED', 'x-2')], [said('a')]);
    expect(found.duplicated).toEqual(['a is at the service 2 times']);
  });

  it.each<[string, Asked, Held[], Partial<Said>, string]>([
    ['another state', job('a'), [held('a', 'CANCELED')], {}, 'a is COMPLETED: the service says CANCELED'],
    ['another text', job('a'), [held('a')], { text: 'x' }, 'a is COMPLETED: its text is "x"'],
    ['another job', job('a'), [held('a')], { externalId: 'y' }, 'a is COMPLETED: it names y, the service x-a'],
    ['a cancellation nobody asked for', job('a'), [], { state: 'CANCELED' }, 'a is CANCELED: nobody canceled it'],
    [
      'a job given up that never arrived',
      job('a'),
      [],
      { state: 'FAILED', code: 'RETRIES_EXHAUSTED' },
      'a is FAILED RETRIES_EXHAUSTED: the service never had it',
    ],
    [
      'a readable document that failed',
      job('a'),
      [held('a', 'FAILED')],
      { state: 'FAILED', code: 'REMOTE_FAILED' },
      'a is FAILED REMOTE_FAILED: its document is fine',
    ],
    ['a history that did not replay', job('a'), [held('a')], { nondeterministic: 2 }, 'a did not replay 2 times'],
  ])('calls wrong %s', (_, asked, at, end, what) => {
    expect(all([asked], at, [said('a', end)]).wrong).toEqual([what]);
  });

  it('lets broken answers fail their jobs, and no more of them than were broken', () => {
    const keys = ['a', 'b', 'c'];
    const found = all(
      keys.map((key) => job(key)),
      keys.map((key) => held(key)),
      keys.map((key) => said(key, { state: 'FAILED', code: 'UNKNOWN_STATUS' })),
    );
    expect(found.wrong).toEqual(['c is FAILED UNKNOWN_STATUS: the service says COMPLETED']);
  });

  it('names what the service does though nobody asked', () => {
    expect(all([], [held('z')], []).wrong).toEqual(['nobody asked for 1 job(s) of z~1']);
  });
});
