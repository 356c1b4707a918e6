import type { PathPattern } from './path-pattern.ts';

/** One request as the service saw it. */
export interface RequestEntry {
  /** Counts up from 1; never reused. */
  readonly seq: number;
  readonly method: string;
  readonly path: string;
  /** The Idempotency-Key (or the id of a PUT), if there was one. */
  key: string | null;
  /** What was answered; 0 when the connection was cut without an answer, null while it is under way. */
  status: number | null;
  /** Epoch milliseconds of the machine's clock when the head had arrived. */
  readonly at: number;
  /** How long the answer took. */
  ms: number | null;
  /** The stored answer of an earlier request was sent again. */
  replayed: boolean;
  /** This request created a job. */
  accepted: boolean;
  /** The limiter refused it. */
  limited: boolean;
  /** The faults that hit it. */
  faults: string;
  /** Read back from the state file: the request was answered by an earlier run. */
  readonly restored: boolean;
}

export interface RequestFilter {
  readonly method?: string | undefined;
  readonly path?: PathPattern | undefined;
  /** Only entries with a higher `seq`. */
  readonly since?: number | undefined;
  readonly accepted?: boolean | undefined;
}

/** What has been asked of the service, in order of arrival; the oldest are forgotten beyond the capacity. */
export interface RequestLog {
  readonly open: (method: string, path: string, at: number) => RequestEntry;
  /** Adds what the state file knows of an earlier run's accepted request. */
  readonly restore: (method: string, path: string, key: string | null, at: number) => void;
  readonly list: (filter?: RequestFilter) => RequestEntry[];
  readonly forgotten: () => number;
  readonly clear: () => void;
}

/** Creates the log. The default capacity takes about 60 MB when full. */
export function createRequestLog(capacity = 250_000): RequestLog {
  let ring: RequestEntry[] = [];
  let lastSeq = 0;
  let forgotten = 0;

  const add = (entry: Omit<RequestEntry, 'seq' | 'replayed' | 'limited' | 'faults'>): RequestEntry => {
    lastSeq += 1;
    const full: RequestEntry = { seq: lastSeq, replayed: false, limited: false, faults: '', ...entry };
    if (ring.length >= capacity) forgotten += 1;
    ring[(lastSeq - 1) % capacity] = full;
    return full;
  };

  return {
    open: (method, path, at) =>
      add({ method, path, at, key: null, status: null, ms: null, accepted: false, restored: false }),
    restore: (method, path, key, at) => {
      add({ method, path, key, at, status: 202, ms: null, accepted: true, restored: true });
    },
    list: (filter = {}) => {
      const start = ring.length < capacity ? 0 : lastSeq % capacity;
      const ordered = [...ring.slice(start), ...ring.slice(0, start)];
      return ordered.filter(
        (entry) =>
          (filter.since === undefined || entry.seq > filter.since) &&
          (filter.method === undefined || entry.method === filter.method) &&
          (filter.path === undefined || filter.path(entry.path)) &&
          (filter.accepted === undefined || entry.accepted === filter.accepted),
      );
    },
    forgotten: () => forgotten,
    clear: () => {
      ring = [];
      lastSeq = Math.ceil(lastSeq / capacity) * capacity;
      forgotten = 0;
    },
  };
}

/** The most requests that arrived within any one sliding window, exactly. */
export function maxInAnyWindow(entries: readonly RequestEntry[], windowMs: number): number {
  const times = entries.map((entry) => entry.at).toSorted((a, b) => a - b);
  let most = 0;
  let oldest = 0;
  for (const [index, at] of times.entries()) {
    while (at - (times[oldest] ?? at) >= windowMs) oldest += 1;
    most = Math.max(most, index - oldest + 1);
  }
  return most;
}
