import { createSkewWatch, DEFAULT_SKEW_TOLERANCE_MS } from '../../http/skew-watch.ts';
import type { SkewWatch } from '../../http/skew-watch.ts';
import type { Logger } from '../../logging/logger.ts';
import type { ConfiguredService } from './service-configs.ts';

/** What a process knows of the services' clocks, by service: from answers, and from the time a verified webhook was signed. */
export interface ClockWatches {
  readonly of: (service: string) => SkewWatch | undefined;
  /** Takes what the receiver tells. */
  readonly onClockSample: (service: string, serverMs: number, receivedMs: number) => void;
}

export function createClockWatches(services: readonly ConfiguredService[], logger: Logger): ClockWatches {
  const watches = new Map(
    // Where a fallback sends webhooks, too, nobody can tell whose clock they show.
    services
      .filter(({ fallback }) => fallback === undefined)
      .map(({ integration, config }) => [
        integration.service,
        {
          skew: createSkewWatch(DEFAULT_SKEW_TOLERANCE_MS, logger),
          // A webhook was signed some time before it came: no longer ago than the receiver would have taken it.
          underWayMs: (config.webhook?.tolerance_s ?? 0) * 1000,
        },
      ]),
  );
  return {
    of: (service) => watches.get(service)?.skew,
    onClockSample: (service, serverMs, receivedMs) => {
      const watch = watches.get(service);
      watch?.skew.learn({ serverMs, resolutionMs: 1000, sentMs: receivedMs - watch.underWayMs, receivedMs });
    },
  };
}
