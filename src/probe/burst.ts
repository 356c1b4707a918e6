import { outbound } from '../activities/index.ts';
import type { RecordedExchange } from '../http/service-client.ts';
import type { OutboundRequest } from '../http/types.ts';
import { failureOf, submitOnce, uploadFiles, waitOf } from './asked.ts';
import type { Asked } from './asked.ts';

export interface BurstOptions {
  /** The highest rate tried, in requests a second. */
  readonly topRate: number;
  /** The most requests sent in all. */
  readonly most: number;
}

/** One second of evenly spaced requests. */
export interface BurstStep {
  readonly perSecond: number;
  readonly sent: number;
  readonly answered: number;
  readonly throttled: number;
  /** Neither answered nor throttled, such as a 500. */
  readonly failed: number;
}

/** What "slow down" looks like. */
export interface Refusal {
  readonly status: number;
  readonly serviceCode?: string;
  readonly retryAfterMs?: number;
  /** The headers that speak of limits, as they came. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface BurstFinding {
  readonly probe: 'burst';
  readonly asked: 'list' | 'status';
  /** Limit headers of an answer that was let through. */
  readonly announced: Readonly<Record<string, string>>;
  readonly steps: readonly BurstStep[];
  readonly refusal?: Refusal;
  /** How it went after the wait that the refusal asked for. */
  readonly after?: { readonly waitedMs: number; readonly isAnswered: boolean };
}

const SECOND_MS = 1_000;
const LIMIT_HEADER = /^(retry-after|(x-)?rate-?limit)/;

/** An eighth, a quarter, half and all of the top rate, as far as they fit. */
export function burstRates({ topRate, most }: BurstOptions): readonly number[] {
  const rates = [...new Set([8, 4, 2, 1].map((part) => Math.ceil(topRate / part)))];
  let left = most;
  return rates.filter((rate) => (left -= rate) >= 0);
}

/**
 * Reads at rising rates, a second each, until the service asks to slow down. Reads are free; where the service has no list, one
 * sample job is submitted to be asked for.
 * @throws RequestFailed when even the first request fails
 */
export async function probeBurst(asked: Asked, options: BurstOptions): Promise<BurstFinding> {
  const { request, kind } = await readingRequest(asked);
  const send = (): Promise<unknown> => asked.runtime.client.send(request, asked.signal);
  await send();
  const announced = limitHeaders(asked.exchanges.at(-1));
  const steps: BurstStep[] = [];
  for (const rate of burstRates(options)) {
    await asked.pause(SECOND_MS); // what was sent before is out of the service's window, where that is a second
    const step = await burst(asked, rate, send);
    steps.push(step);
    if (step.throttled > 0) break;
  }
  const finding = { probe: 'burst', asked: kind, announced, steps } as const;
  const refused = asked.exchanges.find(({ failure }) => failure?.code === 'THROTTLED');
  if (refused?.failure === undefined) return finding;
  const { status = 0, serviceCode, retryAfterMs } = refused.failure;
  const waitedMs = waitOf(refused.failure);
  await asked.pause(waitedMs);
  const isAnswered = await send().then(
    () => true,
    (error: unknown) => failureOf(error).code !== 'THROTTLED',
  );
  const refusal: Refusal = {
    status,
    ...(serviceCode === undefined ? {} : { serviceCode }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    headers: limitHeaders(refused),
  };
  return { ...finding, refusal, after: { waitedMs, isAnswered } };
}

async function readingRequest(asked: Asked): Promise<{ request: OutboundRequest; kind: BurstFinding['asked'] }> {
  const { list, status } = asked.runtime.integration;
  if (list !== undefined) return { kind: 'list', request: outbound(list, { limit: 1 }, 'list') };
  const input = await asked.inputOf(1);
  await uploadFiles(asked, input);
  const { externalId } = await submitOnce(asked, input, 'burst');
  return { kind: 'status', request: outbound(status, { externalId }, 'poll') };
}

/** Sends for a second, and no further once the service has asked to slow down. */
async function burst({ pause, clock }: Asked, perSecond: number, send: () => Promise<unknown>): Promise<BurstStep> {
  const counts = { sent: 0, answered: 0, throttled: 0, failed: 0 };
  const underWay: Promise<void>[] = [];
  const startMs = clock.monotonicMs();
  for (; counts.sent < perSecond && counts.throttled === 0; counts.sent += 1) {
    const dueMs = startMs + (counts.sent * SECOND_MS) / perSecond - clock.monotonicMs();
    if (dueMs > 0) await pause(dueMs);
    underWay.push(
      send().then(
        () => void (counts.answered += 1),
        (error: unknown) => void (counts[failureOf(error).code === 'THROTTLED' ? 'throttled' : 'failed'] += 1),
      ),
    );
  }
  await Promise.all(underWay);
  return { perSecond, ...counts };
}

function limitHeaders(exchange: RecordedExchange | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(exchange?.answer?.headers ?? {}).filter(([name]) => LIMIT_HEADER.test(name)),
  );
}
