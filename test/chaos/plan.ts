import { createPrng } from '../../src/sandbox/prng.ts';
import type { FaultsInput } from '../../src/sandbox/faults/schema.ts';
import type { WayMode } from '../helpers/tcp-proxy.ts';

/** The processes of a run. */
export const PARTS = ['worker-1', 'worker-2', 'worker-3', 'receiver', 'sandbox', 'temporal'] as const;
export type PartName = (typeof PARTS)[number];
export const WORKERS = ['worker-1', 'worker-2', 'worker-3'] as const satisfies readonly PartName[];

/** The ways between two of them, each behind a proxy of its own. `caller` is who starts the jobs. */
export const WAYS = [
  ...WORKERS.flatMap((worker) => [`${worker}>temporal`, `${worker}>sandbox`] as const),
  'receiver>temporal',
  'sandbox>receiver',
  'caller>temporal',
] as const;
export type WayName = (typeof WAYS)[number];

/** One mishap, and for how long what it hits stays away. */
export type Mishap = { readonly atMs: number; readonly forMs: number } & (
  | {
      readonly kind: 'kill' | 'pause' | 'stop';
      readonly part: PartName;
      /** Of its next life. */ readonly clockMs?: number;
    }
  | { readonly kind: 'way'; readonly way: WayName; readonly mode: WayMode; readonly delayMs: number }
  | { readonly kind: 'faults'; readonly faults: FaultsInput }
  | { readonly kind: 'gate-kill' }
);

/** All that happens in one run. It follows from the seed and the minutes alone. */
export interface Plan {
  readonly seed: number;
  readonly durationMs: number;
  /** Clock offset each worker and the receiver begin with, milliseconds. */
  readonly clocks: Readonly<Record<string, number>>;
  readonly mishaps: readonly Mishap[];
}

const POST = { method: 'POST', path: '/v3/jobs' } as const;

/** How often a contract-breaking answer may hit in one run: each such job has to fail loudly. */
export const BREAKING_HITS = 2;

/** Sets of the sandbox's faults, one at a time; each kind the sandbox has is in one of them. */
const FAULT_SETS: readonly ((pick: Pick) => FaultsInput)[] = [
  () => ({
    rules: [
      { kind: 'latency', ms: 10, maxMs: 400, rate: 0.4 },
      { kind: 'latency', ms: 1_500, at: 'after', rate: 0.05 },
      { kind: 'latency', ...POST, ms: 1_200, at: 'inside', rate: 0.1 },
      { kind: 'drip', chunkBytes: 10, everyMs: 60, rate: 0.05 },
    ],
  }),
  () => ({
    rules: [
      { kind: 'error', status: 500, rate: 0.1 },
      { kind: 'error', status: 502, at: 'after', rate: 0.1 },
      { kind: 'error', status: 503, retryAfterS: 1, rate: 0.03 },
      { kind: 'error', status: 408, rate: 0.03 },
      { kind: 'error', ...POST, status: 504, at: 'after', rate: 0.2 },
    ],
  }),
  () => ({
    rules: [
      { kind: 'reset', rate: 0.08 },
      { kind: 'reset', at: 'after', rate: 0.08 },
      { kind: 'reset', ...POST, at: 'after', rate: 0.3 },
      { kind: 'truncate', keepBytes: 40, rate: 0.08 },
    ],
  }),
  () => ({
    rules: [
      { kind: 'webhook-drop', rate: 0.3 },
      { kind: 'webhook-delay', ms: 2_000, rate: 0.3 },
      { kind: 'webhook-duplicate', copies: 3, rate: 0.3 },
      { kind: 'webhook-reorder', withinMs: 1_500, rate: 0.5 },
      { kind: 'webhook-bad-signature', rate: 0.2 },
    ],
  }),
  (pick) => ({ rules: [], clockOffsetMs: pick.whole(-60_000, 60_000) }),
  () => ({ rules: [{ kind: 'error', status: 503, rate: 1 }] }),
  (pick) => ({ rules: [], limit: { rate: pick.whole(5, 15), retryAfter: 'date' } }),
  () => ({ rules: [], tokens: { lifetimeS: 2, revoke: true } }),
  () => ({ rules: [{ kind: 'drift', add: { priority: 'high' }, rate: 0.5 }] }),
];

/** Two answers that break the contract. Only GETs: what a POST says of a job that is there must be taken by its key. */
const BREAKING: FaultsInput = {
  rules: [
    { kind: 'drift', method: 'GET', path: '/v3/jobs/*', status: 'TRANSMOGRIFYING', count: 1 },
    { kind: 'drift', method: 'GET', path: '/v3/jobs/*', remove: ['status'], count: BREAKING_HITS - 1 },
  ],
};

interface Pick {
  /** Between both, ends included. */
  readonly whole: (from: number, to: number) => number;
  readonly of: <T>(values: readonly T[]) => T;
}

function picker(seed: number): Pick {
  const prng = createPrng(seed);
  const whole = (from: number, to: number): number => from + Math.floor(prng() * (to - from + 1));
  return { whole, of: (values) => values[whole(0, values.length - 1)]! };
}

/** Largest clock offset of one of our own processes, milliseconds. */
const CLOCK_MS = 20_000;

/** Everything that will go wrong, in order. Four kinds of trouble run side by side, so that they meet. */
export function planChaos(seed: number, minutes: number): Plan {
  const durationMs = minutes * 60_000;
  const pick = picker(seed);
  const clock = (): number => pick.whole(-CLOCK_MS, CLOCK_MS);
  const clocks = Object.fromEntries([...WORKERS, 'receiver'].map((name) => [name, clock()]));

  const every = (leastMs: number, mostMs: number, mishap: (atMs: number) => Mishap): Mishap[] => {
    const all: Mishap[] = [];
    for (let atMs = pick.whole(leastMs, mostMs); atMs < durationMs; atMs += pick.whole(leastMs, mostMs)) {
      const next = mishap(atMs);
      all.push({ ...next, forMs: Math.min(next.forMs, durationMs - atMs) });
    }
    return all;
  };
  const parts = [...WORKERS, ...WORKERS, 'receiver', 'receiver', 'sandbox', 'sandbox', 'temporal'] as const;
  const mishaps = [
    ...every(3_000, 9_000, (atMs): Mishap => {
      const part = pick.of(parts);
      const kind = pick.of(['kill', 'kill', 'kill', 'pause', 'pause', 'stop'] as const);
      const forMs = part === 'temporal' ? pick.whole(500, 4_000) : pick.whole(300, 9_000);
      const owns = (WORKERS as readonly string[]).includes(part) || part === 'receiver';
      return { kind, part, atMs, forMs, ...(owns && kind !== 'pause' ? { clockMs: clock() } : {}) };
    }),
    ...every(2_000, 8_000, (atMs): Mishap => {
      const mode = pick.of(['blocked', 'mute', 'refusing', 'slow'] as const);
      return {
        kind: 'way',
        way: pick.of(WAYS),
        mode,
        delayMs: pick.whole(50, 800),
        atMs,
        forMs: pick.whole(300, 8_000),
      };
    }),
    ...every(9_000, 20_000, (atMs): Mishap => {
      return { kind: 'faults', faults: pick.of(FAULT_SETS)(pick), atMs, forMs: pick.whole(3_000, 9_000) };
    }),
    ...every(45_000, 90_000, (atMs): Mishap => ({ kind: 'gate-kill', atMs, forMs: pick.whole(1_000, 5_000) })),
    { kind: 'faults', faults: BREAKING, atMs: Math.round(durationMs / 2), forMs: 8_000 } satisfies Mishap,
  ];
  return { seed, durationMs, clocks, mishaps: mishaps.toSorted((a, b) => a.atMs - b.atMs) };
}

/** One line for people. */
export function describeMishap(mishap: Mishap): string {
  const seconds = `${(mishap.forMs / 1_000).toFixed(1)} s`;
  switch (mishap.kind) {
    case 'way':
      return `${mishap.way} ${mishap.mode}${mishap.mode === 'slow' ? ` by ${mishap.delayMs} ms` : ''} for ${seconds}`;
    case 'faults': {
      const { rules = [], ...settings } = mishap.faults;
      const kinds = [...new Set(rules.map(({ kind }) => kind)), ...Object.keys(settings)];
      return `faults of the service for ${seconds}: ${kinds.join(', ')}`;
    }
    case 'gate-kill':
      return `kill switch for ${seconds}`;
    default:
      return `${mishap.kind} ${mishap.part}, ${mishap.kind === 'pause' ? 'for' : 'away for'} ${seconds}`;
  }
}
