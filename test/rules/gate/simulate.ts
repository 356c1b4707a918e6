import { createGateSchedule } from '../../../src/rules/gate/schedule.ts';
import type { Turn } from '../../../src/rules/gate/send-class.ts';
import type { GateSchedule, GateSpec, GateStart, Waiting } from '../../../src/rules/gate/schedule.ts';
import type { GateObservation } from '../../../src/rules/gate/answer.ts';
import { readLimits } from '../../../src/rules/limit-headers.ts';
import { createLimiter, limitHeaders, limitSchema } from '../../../src/sandbox/limiter.ts';
import type { LimitInput } from '../../../src/sandbox/limiter.ts';
import { createPrng } from '../../../src/sandbox/prng.ts';

/** Where simulated time starts: as large as epoch times are, so that rounding of fractions is as coarse. */
export const START_MS = 1_800_000_000_123.25;

export interface Sent {
  readonly kind: Turn;
  readonly departedMs: number;
  readonly arrivedMs: number;
  readonly answeredMs: number;
  readonly status: 200 | 429 | 503;
}

export interface Simulation {
  readonly spec: GateSpec;
  readonly limit: LimitInput;
  /** Changes of the service's limit, at milliseconds from the start. */
  readonly changes?: readonly (readonly [atMs: number, limit: LimitInput])[];
  /** From, to: the service is down. */
  readonly outage?: readonly [fromMs: number, toMs: number];
  readonly rttMs: readonly [least: number, most: number];
  readonly durationMs: number;
  readonly seed: number;
  /** @default plenty of both classes */
  readonly waiting?: (atMs: number) => Waiting;
  readonly start?: GateStart;
  readonly schedule?: GateSchedule;
  /** Timers are this late at most. @default 2 */
  readonly latenessMs?: number;
}

const PLENTY: Waiting = { submit: 1_000, read: 1_000 };

/**
 * Runs a schedule against the sandbox's own limiter in simulated time: every request takes a random time there and back, so
 * that they overtake one another, and every timer is late. Times in the result count from the start.
 */
export function simulate(simulation: Simulation): { readonly sent: Sent[]; readonly schedule: GateSchedule } {
  const random = createPrng(simulation.seed);
  const between = ([least, most]: readonly [number, number]) => least + random() * (most - least);
  const schedule = simulation.schedule ?? createGateSchedule(simulation.spec, START_MS, simulation.start ?? 'fresh');
  const limiter = createLimiter(limitSchema.parse(simulation.limit));
  const sent: Sent[] = [];
  const events = createQueue();
  let nowMs = START_MS;
  let id = 0;
  let wakeMs = Infinity;

  const serve = (arrivedMs: number): { status: Sent['status']; observation: GateObservation } => {
    const [downFromMs, downToMs] = simulation.outage ?? [Infinity, Infinity];
    const sinceMs = arrivedMs - START_MS;
    if (sinceMs >= downFromMs && sinceMs < downToMs) {
      return { status: 503, observation: { limits: {}, failure: failure('SERVICE_UNAVAILABLE', 503) } };
    }
    const verdict = limiter.take(arrivedMs);
    const headers = Object.fromEntries(
      Object.entries(limitHeaders(limiter.config(), verdict, arrivedMs)).map(([name, value]) => [
        name.toLowerCase(),
        value,
      ]),
    );
    const limits = readLimits(headers, Math.floor(arrivedMs / 1_000) * 1_000);
    if (verdict.allowed) return { status: 200, observation: { limits } };
    return { status: 429, observation: { limits, failure: failure('THROTTLED', 429, limits.retryAfterMs) } };
  };

  const send = (kind: Sent['kind']) => {
    const request = (id += 1);
    const departedMs = nowMs;
    schedule.departed(request, kind, nowMs);
    const arrivedMs = nowMs + between(simulation.rttMs) * random();
    events.push(arrivedMs, () => {
      const { status, observation } = serve(nowMs);
      const answeredMs = Math.max(nowMs, departedMs + between(simulation.rttMs));
      events.push(answeredMs, () => {
        if (status === 200) limiter.release();
        schedule.answered(request, observation, nowMs);
        const [departed, arrived, answered] = [departedMs, arrivedMs, answeredMs].map((atMs) => atMs - START_MS);
        sent.push({ kind, departedMs: departed!, arrivedMs: arrived!, answeredMs: answered!, status });
        pump();
      });
    });
  };

  const pump = () => {
    for (;;) {
      const next = schedule.next(nowMs, simulation.waiting?.(nowMs - START_MS) ?? PLENTY);
      if (next.send === undefined) {
        wakeAt(next.retryAtMs);
        return;
      }
      send(next.send);
    }
  };

  const wakeAt = (atMs: number | undefined) => {
    if (atMs === undefined) return;
    if (atMs < nowMs) throw new Error(`asked to wake ${nowMs - atMs} ms ago`);
    const lateMs = atMs + random() * (simulation.latenessMs ?? 2);
    if (lateMs >= wakeMs && wakeMs > nowMs) return;
    wakeMs = lateMs;
    events.push(lateMs, () => {
      if (nowMs >= wakeMs) wakeMs = Infinity;
      pump();
    });
  };

  for (const [atMs, limit] of simulation.changes ?? []) {
    events.push(START_MS + atMs, () => limiter.configure(limitSchema.parse(limit)));
  }
  pump();
  for (;;) {
    const event = events.pop();
    if (event === undefined || event.atMs > START_MS + simulation.durationMs) break;
    nowMs = event.atMs;
    event.run();
  }
  return { sent, schedule };
}

function failure(code: 'THROTTLED' | 'SERVICE_UNAVAILABLE', status: number, retryAfterMs?: number) {
  return {
    code,
    status,
    retryable: true,
    arrival: 'refused' as const,
    throttled: code === 'THROTTLED',
    message: '',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** Events by time: a binary heap. */
function createQueue() {
  interface Event {
    readonly atMs: number;
    readonly run: () => void;
  }
  const heap: Event[] = [];
  const before = (a: number, b: number) => (heap[a]?.atMs ?? Infinity) < (heap[b]?.atMs ?? Infinity);
  const swap = (a: number, b: number) => {
    [heap[a], heap[b]] = [heap[b]!, heap[a]!];
  };
  return {
    push: (atMs: number, run: () => void) => {
      let at = heap.push({ atMs, run }) - 1;
      for (; at > 0 && before(at, (at - 1) >> 1); at = (at - 1) >> 1) swap(at, (at - 1) >> 1);
    },
    pop: (): Event | undefined => {
      const top = heap[0];
      const last = heap.pop();
      if (top === undefined || last === undefined || heap.length === 0) return top;
      heap[0] = last;
      for (let at = 0; ;) {
        const child = before(2 * at + 2, 2 * at + 1) ? 2 * at + 2 : 2 * at + 1;
        if (!before(child, at)) return top;
        swap(at, child);
        at = child;
      }
    },
  };
}

/** The most of these times that lie in any one window: half open, so that two a window apart are not in one. */
export function mostInWindow(timesMs: readonly number[], windowMs: number): number {
  const sorted = timesMs.toSorted((a, b) => a - b);
  let first = 0;
  return sorted.reduce((most, atMs, last) => {
    while (sorted[first]! <= atMs - windowMs) first += 1;
    return Math.max(most, last - first + 1);
  }, 0);
}

/** Requests per window between two times, of those accepted. */
export function acceptedPerWindow(sent: readonly Sent[], fromMs: number, toMs: number, windowMs = 1_000): number {
  const accepted = sent.filter(({ status, arrivedMs }) => status === 200 && arrivedMs >= fromMs && arrivedMs < toMs);
  return (accepted.length * windowMs) / (toMs - fromMs);
}

/** Arrival times of the refused requests. */
export function refusedAt(sent: readonly Sent[]): number[] {
  return sent.filter(({ status }) => status === 429).map(({ arrivedMs }) => arrivedMs);
}
