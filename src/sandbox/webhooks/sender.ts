import type { ServiceClock } from '../clock.ts';
import type { FaultSwitches } from '../faults/switches.ts';
import type { SandboxLogger } from '../logger.ts';
import type { Prng } from '../prng.ts';
import type { Change, Delivery } from '../state/entities.ts';
import type { Store } from '../state/store.ts';
import type { WebhookPoster } from './post.ts';
import type { WebhookSigner } from './sign.ts';

export interface SenderDependencies {
  readonly store: Store;
  readonly clock: ServiceClock;
  readonly faults: FaultSwitches;
  readonly prng: Prng;
  readonly logger: SandboxLogger;
  readonly sign: WebhookSigner;
  readonly poster: WebhookPoster;
  readonly delaysMs: readonly number[];
  readonly maxConcurrent: number;
}

/** Delivers webhooks at least once: again and again until a 2xx, a 410, or the last retry. */
export interface WebhookSender {
  /** Starts delivering what has been committed to the store. */
  readonly schedule: (delivery: Delivery) => void;
  /** Takes up what an earlier run left over. */
  readonly resume: () => void;
  readonly counts: () => Readonly<Record<DeliveryFate, number>> & { readonly pending: number };
  readonly close: () => void;
}

type DeliveryFate = 'delivered' | 'retried' | 'gaveUp' | 'dropped' | 'gone';

/** Creates the sender. Every attempt's outcome is written to the store before the next is planned. */
export function createSender(deps: SenderDependencies): WebhookSender {
  const { store, faults } = deps;
  const timers = new Set<NodeJS.Timeout>();
  const ready: Delivery[] = [];
  const counts = { delivered: 0, retried: 0, gaveUp: 0, dropped: 0, gone: 0 };
  let underWay = 0;
  let closed = false;

  const end = (delivery: Delivery, fate: DeliveryFate, more: readonly Change[] = []): void => {
    counts[fate] += 1;
    store.commit([['delivery', delivery.id, null], ...more]);
  };

  const attempt = async (delivery: Delivery): Promise<void> => {
    if (store.get('gone', delivery.url) !== undefined) return end(delivery, 'gone');
    const plan = faults.planWebhook(delivery.event);
    if (plan.drop) return end(delivery, 'dropped');
    const { id, body, url, traceparent } = delivery;
    const signed = deps.sign({ id, timestampS: Math.floor(deps.clock.now() / 1_000), body }, plan.badSignature);
    const headers = traceparent === undefined ? signed : { ...signed, traceparent };
    const sent = await Promise.all(Array.from({ length: 1 + plan.copies }, () => deps.poster.post(url, headers, body)));
    if (closed) return;
    const outcome = sent[0] ?? null;
    if (outcome?.status === 410) {
      return end(delivery, 'gone', [['gone', delivery.url, { atMs: Date.now() }]]);
    }
    if (outcome !== null && outcome.status >= 200 && outcome.status < 300) return end(delivery, 'delivered');
    retry(delivery, outcome?.retryAfterMs ?? 0);
  };

  const retry = (delivery: Delivery, retryAfterMs: number): void => {
    const delayMs = deps.delaysMs[delivery.attempts];
    if (delayMs === undefined) {
      deps.logger.warn({ delivery: delivery.id, attempts: delivery.attempts + 1 }, 'webhook given up');
      return end(delivery, 'gaveUp');
    }
    counts.retried += 1;
    const waitMs = Math.max(delayMs * (1 + 0.2 * deps.prng()), retryAfterMs);
    const next: Delivery = { ...delivery, attempts: delivery.attempts + 1, nextAtMs: Math.ceil(Date.now() + waitMs) };
    store.commit([['delivery', next.id, next]]);
    wait(next, next.nextAtMs - Date.now());
  };

  const drain = (): void => {
    while (underWay < deps.maxConcurrent) {
      const delivery = ready.shift();
      if (delivery === undefined) return;
      underWay += 1;
      void attempt(delivery).finally(() => {
        underWay -= 1;
        drain();
      });
    }
  };

  const wait = (delivery: Delivery, waitMs: number): void => {
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        ready.push(delivery);
        drain();
      },
      Math.max(0, waitMs),
    );
    timers.add(timer);
  };

  const schedule = (delivery: Delivery): void =>
    wait(delivery, delivery.nextAtMs - Date.now() + (delivery.attempts === 0 ? faults.holdWebhook(delivery.event) : 0));

  return {
    schedule,
    resume: () => {
      for (const delivery of store.all('delivery')) schedule(delivery);
    },
    counts: () => ({ ...counts, pending: [...store.all('delivery')].length }),
    close: () => {
      closed = true;
      ready.length = 0;
      for (const timer of timers) clearTimeout(timer);
      deps.poster.close();
    },
  };
}
