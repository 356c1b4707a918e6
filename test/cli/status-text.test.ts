import { describe, expect, it } from '@jest/globals';
import { parseDollars, parsePercent } from '../../src/cli/args/amounts.ts';
import type { LaneReading, ServiceReading } from '../../src/cli/compose/service-reading.ts';
import { age, money } from '../../src/cli/output/format.ts';
import { statusLine } from '../../src/cli/output/status-line.ts';
import { statusPage, statusTable } from '../../src/cli/output/status-text.ts';
import type { JobSnapshot } from '../../src/client/index.ts';
import { INITIAL_CONTROL } from '../../src/contracts/control.ts';
import type { ControlState } from '../../src/contracts/control.ts';
import type { GateView } from '../../src/rules/gate/schedule.ts';

/** 2026-03-01 03:10:00 UTC: somebody is tired. */
const NOW = Date.UTC(2026, 2, 1, 3, 10);
const ago = (seconds: number): number => NOW - seconds * 1_000;

const VIEW: GateView = {
  rate: { limit: 8, cap: 8, phase: 'steady', reason: 'At the configured cap.', windowMs: 1_000 },
  inFlight: 2,
  inWindow: 5,
  breaker: { state: 'closed', reason: 'No failures seen.' },
  budget: [
    { window: 'hourly', spentMicros: 1_200_000, turnsAtMs: NOW + 3_000_000 },
    { window: 'daily', spentMicros: 4_000_000, turnsAtMs: NOW + 75_000_000 },
  ],
  costs: { day: 0, totalMicros: 0, units: {}, tags: {} },
};
const LIVE: LaneReading = { lane: 'docproc', route: 'live', exists: true, killed: null, holder: '7@host', view: VIEW };
const ENABLED: ControlState = {
  ...INITIAL_CONTROL,
  enabled: true,
  revision: 3,
  changed: { actor: 'alice@ops', reason: 'go-live', atMs: ago(7_200), what: 'enabled' },
};
const OLDEST = {
  workflowId: 'docproc/letter-7',
  state: 'PROCESSING',
  startedAt: new Date(ago(75)).toISOString(),
} as JobSnapshot;

function reading(more: Partial<ServiceReading> = {}, lane: Partial<LaneReading> = {}): ServiceReading {
  return {
    service: 'docproc',
    control: ENABLED,
    lanes: [{ ...LIVE, ...lane }],
    jobs: { created: 4, processing: 3 },
    oldest: OLDEST,
    readAtMs: NOW,
    ...more,
  };
}

/** The sentences below the table. */
function notes(subject: ServiceReading, hasWorker = true): string[] {
  return statusTable([subject], hasWorker)
    .split('\n')
    .filter((line) => line.startsWith('! '))
    .map((line) => line.slice(2));
}

const viewWith = (more: Partial<GateView>): Partial<LaneReading> => ({ view: { ...VIEW, ...more } });

describe('the table of services', () => {
  it('shows one that is well in one line, and says that nothing needs attention', () => {
    expect(statusTable([reading()], true)).toBe(
      [
        'SERVICE  ENABLED  GATE    RATE       CREATED  PROCESSING  IN FLIGHT  BREAKER  SPENT             OLDEST',
        'docproc  100 %    7@host  8/8 per s  4        3           2          closed   $1.20 h, $4.00 d  1 min 15 s',
        '',
        'Nothing needs attention.',
        '',
      ].join('\n'),
    );
  });

  it('shows a fallback below its service, and services that nobody has touched', () => {
    const fallback: LaneReading = { ...LIVE, lane: 'docproc.fallback', route: 'fallback' };
    const untouched = reading(
      { service: 'other', control: INITIAL_CONTROL, jobs: { created: 0, processing: 0 }, oldest: undefined },
      { lane: 'other', exists: false, holder: null, view: null },
    );
    const lines = statusTable([reading({ lanes: [LIVE, fallback] }), untouched], true).split('\n');
    expect(lines[2]).toBe(
      '  its fallback           7@host       8/8 per s                       2          closed   $1.20 h, $4.00 d',
    );
    expect(lines[3]).toBe(
      'other           no       no gate yet  -          0        0           -          -        -                 -',
    );
    expect(lines).toContain('Nothing needs attention.');
  });

  it('is not empty without services', () => expect(statusTable([], true)).toBe('No services.\n'));

  it.each([
    [{ enabled: false }, 'no'],
    [{ enabled: false, allow: ['a'] }, 'no, 1 allowed'],
    [{ weightBps: 50 }, '0.5 %'],
    [{ weightBps: 1_000, allow: ['a', 'b'] }, '10 % +2 allowed'],
    [{ allow: ['a', 'b'] }, '100 %'],
  ])('shows %j as %s', (control, shown) => {
    const line = statusTable([reading({ control: { ...ENABLED, ...control } })], true).split('\n')[1];
    expect(line).toMatch(new RegExp(`^docproc  ${shown.replaceAll('+', '\\+')}  +7@host`));
  });

  it.each([
    [0.25, 1_000, '0.25/8 per s'],
    [7.8, 1_000, '7.80/8 per s'],
    [120, 60_000, '120/8 per 1 min'],
  ])('shows a rate of %s in %s ms as %s', (limit, windowMs, shown) => {
    const rate = { ...VIEW.rate, limit, windowMs };
    expect(statusTable([reading({}, viewWith({ rate }))], true)).toContain(`  ${shown}  `);
  });
});

describe('what needs attention', () => {
  it('is a killed gate: by whom, since when, why, and how to open it', () => {
    const killed = { actor: 'bob@ops', reason: 'wrong documents', atMs: ago(300), what: 'killed' };
    expect(notes(reading({}, { killed, holder: null, view: null }))).toEqual([
      'docproc is killed by bob@ops since 2026-03-01 03:05:00 UTC (5 min ago): wrong documents. Nothing is sent, jobs wait. Open it: `playbook restore docproc`.',
    ]);
  });

  it('is a missing worker, once, and a gate that nobody holds', () => {
    expect(notes(reading({}, { holder: null, view: null }), false)).toEqual([
      'No worker is polling: jobs wait, nothing is sent. Start one: `playbook worker`.',
    ]);
    expect(notes(reading({}, { holder: null, view: null }))).toEqual([
      'Nobody holds the gate of docproc: nothing is sent. For some seconds after a crash that is normal; else its workers are down or frozen, or none has its configuration.',
    ]);
  });

  it('is an open breaker, with the next probe', () => {
    const breaker = {
      state: 'open',
      reason: '5 requests in a row found the service unavailable.',
      nextProbeMs: NOW + 4_000,
    } as const;
    expect(notes(reading({}, viewWith({ breaker })))).toEqual([
      'The breaker of docproc is open: 5 requests in a row found the service unavailable. The next probe leaves in 4 s. Jobs wait; none fails by that.',
    ]);
  });

  it('is a rate below the cap, and a freeze', () => {
    const rate = {
      ...VIEW.rate,
      limit: 2,
      reason: 'The service took no more than 2 per 1 s.',
      frozenUntilMs: NOW + 30_000,
    };
    expect(notes(reading({}, viewWith({ rate })))).toEqual([
      'docproc asked everybody to wait: nothing leaves for 30 s.',
      'docproc is slower than its cap: The service took no more than 2 per 1 s.',
    ]);
  });

  it('is a budget of which four fifths are spent, and one that is', () => {
    const control = { ...ENABLED, budget: { hourlyMicros: 1_500_000, dailyMicros: 50_000_000 } };
    expect(notes(reading({ control }))).toEqual(['docproc has spent $1.20 of its hourly budget of $1.50.']);
    expect(statusTable([reading({ control })], true)).toContain('$1.20/$1.50 h, $4.00/$50.00 d');
    const submitsHeld = 'The hourly budget is spent ($1.20 of $1.20): submits wait until 04:00.';
    expect(notes(reading({ control }, viewWith({ submitsHeld })))).toEqual([
      `${submitsHeld} Raise it: \`playbook budget docproc\`. Jobs already at the service go on.`,
    ]);
  });

  it('is a disabled service with jobs under way, or with units that are admitted nevertheless', () => {
    const control = { ...ENABLED, enabled: false };
    expect(notes(reading({ control }))).toEqual([
      'docproc is disabled: new jobs are not admitted; 7 jobs under way end as usual.',
    ]);
    expect(notes(reading({ control: { ...control, allow: ['a'] } }))).toEqual([
      'docproc is disabled, but 1 unit on its allow list is admitted.',
    ]);
    expect(notes(reading({ control: { ...control, allow: ['a', 'b'] } }))).toEqual([
      'docproc is disabled, but 2 units on its allow list are admitted.',
    ]);
  });
});

describe('the page of one service', () => {
  it('says all there is to know', () => {
    const control = {
      ...ENABLED,
      stage: 'canary',
      deny: Array.from({ length: 12 }, (_, n) => `t${n}`),
      budget: { hourlyMicros: 5_000_000 },
    };
    expect(statusPage(reading({ control }), true)).toBe(
      `service      docproc
enabled      100 %
stage        canary
allowed      nobody
denied       t0, t1, t2, t3, t4, t5, t6, t7, t8, t9 and 2 more
revision     3
last change  enabled by alice@ops, 2026-03-01 01:10:00 UTC (2 h ago): go-live
waiting      4 jobs CREATED (not yet at the service), 3 PROCESSING
oldest       docproc/letter-7, PROCESSING, 1 min 15 s old
gate         open, held by 7@host
rate         8/8 per s: At the configured cap.
in flight    2 now, 5 the service's window may count
breaker      closed: No failures seen.
this hour    $1.20 of $5.00, starts anew in 50 min
today        $4.00 no limit, starts anew in 20 h 50 min

Nothing needs attention.
`,
    );
  });

  it('of one that is off, killed, and has an open breaker at its fallback', () => {
    const killed = { actor: 'bob@ops', reason: 'a\u001B[2Jb', atMs: ago(3), what: 'killed' };
    const breaker = { state: 'open', reason: 'Down.', nextProbeMs: ago(1) } as const;
    const page = statusPage(
      reading({
        control: INITIAL_CONTROL,
        oldest: undefined,
        lanes: [
          { ...LIVE, killed, holder: null, view: null },
          { ...LIVE, lane: 'docproc.fallback', route: 'fallback', view: { ...VIEW, breaker } },
        ],
      }),
      true,
    );
    expect(page).toMatch(/^last change +none: it is off until somebody enables it$/m);
    expect(page).toMatch(/^oldest +-$/m);
    expect(page).toMatch(/^gate +KILLED by bob@ops, 2026-03-01 03:09:57 UTC \(3 s ago\): a\uFFFD\[2Jb$/m);
    expect(page).toMatch(/^fallback gate +open, held by 7@host$/m);
    expect(page).toMatch(/^fallback breaker +open: Down\.; next probe in 0 s$/m);
    expect(statusPage(reading({}, { holder: null, view: null }), true)).toMatch(/^gate +no holder$/m);
  });
});

describe('the JSON of one service', () => {
  it('has dollars, times in ISO 8601, and null for what is not known', () => {
    const killed = { actor: 'bob@ops', reason: 'why', atMs: NOW, what: 'killed' };
    const rate = { ...VIEW.rate, frozenUntilMs: NOW };
    const breaker = { state: 'open', reason: 'Down.', nextProbeMs: NOW } as const;
    const lanes: LaneReading[] = [
      {
        ...LIVE,
        view: {
          ...VIEW,
          rate,
          breaker,
          budget: [{ window: 'hourly', spentMicros: 1, limitMicros: 2, turnsAtMs: NOW }],
        },
      },
      { ...LIVE, lane: 'docproc.fallback', route: 'fallback', killed, holder: null, view: null },
    ];
    const control = { ...ENABLED, stage: 's', budget: { hourlyMicros: 1_000_000, dailyMicros: 2_000_000 } };
    const at = '2026-03-01T03:10:00.000Z';
    expect(statusLine(reading({ control, lanes }))).toEqual({
      service: 'docproc',
      readAt: at,
      enabled: true,
      weightPercent: 100,
      allow: [],
      deny: [],
      stage: 's',
      revision: 3,
      changed: { what: 'enabled', actor: 'alice@ops', reason: 'go-live', at: '2026-03-01T01:10:00.000Z' },
      budget: { hourlyUsd: 1, dailyUsd: 2 },
      jobs: {
        created: 4,
        processing: 3,
        oldest: { workflowId: 'docproc/letter-7', state: 'PROCESSING', startedAt: '2026-03-01T03:08:45.000Z' },
      },
      gates: [
        {
          gate: 'docproc',
          route: 'live',
          exists: true,
          killed: null,
          holder: '7@host',
          rate: { limit: 8, cap: 8, windowMs: 1_000, reason: 'At the configured cap.', frozenUntil: at },
          inFlight: 2,
          breaker: { state: 'open', reason: 'Down.', nextProbe: at },
          spent: [{ window: 'hourly', spentUsd: 0.000001, limitUsd: 0.000002, turnsAt: at }],
          submitsHeld: null,
        },
        {
          gate: 'docproc.fallback',
          route: 'fallback',
          exists: true,
          killed: { actor: 'bob@ops', reason: 'why', since: at },
          holder: null,
          rate: null,
          inFlight: null,
          breaker: null,
          spent: null,
          submitsHeld: null,
        },
      ],
    });
    expect(statusLine(reading({ control: INITIAL_CONTROL, oldest: undefined }))).toMatchObject({
      changed: null,
      stage: null,
      budget: { hourlyUsd: null, dailyUsd: null },
      jobs: { oldest: null },
      gates: [
        { rate: { frozenUntil: null }, breaker: { nextProbe: null }, spent: [{ limitUsd: null }, { limitUsd: null }] },
      ],
    });
  });
});

describe('amounts', () => {
  it.each([
    ['$5', 5_000_000],
    ['0.25', 250_000],
    ['$0.000001', 1],
  ])('%s is %s micro-dollars', (text, micros) => expect(parseDollars(text, 'daily', [])).toBe(micros));

  it.each(['', '-1', '$', '1e3', '0.0000001', '5€'])('%j is no dollars', (text) =>
    expect(() => parseDollars(text, 'daily', ['budget'])).toThrow(
      `--daily must be dollars such as $5 or 0.25 (got ${JSON.stringify(text)}). See \`playbook budget --help\`.`,
    ),
  );

  it.each([
    ['0%', 0],
    ['0.5%', 50],
    ['12.34%', 1_234],
    ['100%', 10_000],
  ])('%s is %s basis points', (text, bps) => expect(parsePercent(text, [])).toBe(bps));

  it.each(['10', '101%', '100.01%', '-1%', '1.234%', '%'])('%j is no share', (text) =>
    expect(() => parsePercent(text, ['weight'])).toThrow('A weight must be a share from 0% to 100%'),
  );

  it.each([
    [0, '0 s'],
    [1_499, '1 s'],
    [60_000, '1 min'],
    [3_723_000, '1 h 2 min'],
    [90_000_000, '1 d 1 h'],
  ])('%s ms are %s', (ms, text) => expect(age(ms)).toBe(text));

  it.each([
    [0, '$0.00'],
    [123, '$0.000123'],
    [1_234_567, '$1.23'],
  ])('%s micro-dollars are %s', (micros, text) => expect(money(micros)).toBe(text));
});
