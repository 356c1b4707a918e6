import type { RequestEntry } from '../../../src/sandbox/request-log.ts';
import type { SandboxOptions } from '../../../src/sandbox/index.ts';
import { DOCUMENT, DOCUMENT_SHA256 } from './gated.ts';
import { startProcess } from './worker-process.ts';

/** The sandbox as a process of its own, and what it saw. */
export interface LabSandbox {
  readonly url: string;
  /** Requests from a sequence number on, without those of the lab itself. */
  readonly requests: (since?: number) => Promise<readonly RequestEntry[]>;
  /** Number of the latest request. */
  readonly seq: () => Promise<number>;
  readonly faults: (faults: object) => Promise<void>;
  readonly clearFaults: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function startLabSandbox(options: SandboxOptions): Promise<LabSandbox> {
  const sandbox = await startProcess('../../sandbox/support/run-sandbox.ts', { auth: 'none', ...options }, 'http://');
  const url = sandbox.lines[0] ?? '';
  const control = async (method: string, path: string, body?: object): Promise<unknown> => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(`${url}/_sandbox/${path}`, { method, ...sent });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const requests = async (since = 0): Promise<readonly RequestEntry[]> => {
    const answer = (await control('GET', `requests?since=${since}`)) as { readonly requests: RequestEntry[] };
    return answer.requests.filter(({ path }) => !path.startsWith('/v3/files/'));
  };
  const put = await fetch(`${url}/v3/files/${DOCUMENT_SHA256}`, {
    method: 'PUT',
    headers: { 'content-type': 'text/plain' },
    body: DOCUMENT,
  });
  if (!put.ok) throw new Error(`The document was not taken: ${put.status}`);
  return {
    url,
    requests,
    seq: async () => (await requests()).at(-1)?.seq ?? 0,
    faults: async (faults) => void (await control('POST', 'faults', faults)),
    clearFaults: async () => void (await control('DELETE', 'faults')),
    close: async () => {
      sandbox.signal('SIGKILL');
      await sandbox.ended;
    },
  };
}

/** What a sequence of requests shows. */
export interface Traffic {
  readonly sent: number;
  readonly refused: number;
  /** Most requests in any sliding second, refused ones included. */
  readonly worstSecond: number;
  /** Jobs made, and those made by more than one accepted POST of one key. */
  readonly jobs: number;
  readonly duplicates: number;
  /** Requests per second from `fromMs` to `toMs`. */
  readonly perSecond: (fromMs: number, toMs: number) => number;
  /** Longest time without any request, in milliseconds. */
  readonly longestGapMs: number;
}

export function traffic(entries: readonly RequestEntry[], windowMs = 1_000): Traffic {
  const times = entries.map(({ at }) => at).toSorted((a, b) => a - b);
  const made = entries.filter(({ accepted, replayed }) => accepted && !replayed);
  let worstSecond = 0;
  let longestGapMs = 0;
  let oldest = 0;
  for (const [index, at] of times.entries()) {
    while (at - (times[oldest] ?? at) >= windowMs) oldest += 1;
    worstSecond = Math.max(worstSecond, index - oldest + 1);
    if (index > 0) longestGapMs = Math.max(longestGapMs, at - (times[index - 1] ?? at));
  }
  return {
    sent: entries.length,
    refused: entries.filter(({ limited }) => limited).length,
    worstSecond,
    longestGapMs,
    jobs: made.length,
    duplicates: made.length - new Set(made.map(({ key }) => key)).size,
    perSecond: (fromMs, toMs) =>
      (times.filter((at) => at >= fromMs && at < toMs).length * 1_000) / Math.max(1, toMs - fromMs),
  };
}
