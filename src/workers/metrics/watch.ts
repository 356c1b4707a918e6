import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlState } from '../../contracts/control.ts';
import type { MetricRecorder } from '../../contracts/metric-recorder.ts';
import { createControlMetrics } from './control.ts';
import type { LaneLabels } from './requests.ts';

/** How often control states and kill switches are read for the metrics, in milliseconds. */
const EVERY_MS = 15_000;

/** Shows what is decided of the services: flags, weight, stage, kill switch. Every worker does, whoever holds the gates. */
export function startControlWatch(deps: {
  readonly lanes: readonly LaneLabels[];
  readonly readControl: (service: string) => Promise<ControlState>;
  /** Whether the kill switch is on. */
  readonly isClosed: (lane: LaneLabels) => Promise<boolean>;
  readonly metrics: MetricRecorder;
  readonly everyMs?: number;
}): { readonly stop: () => Promise<void> } {
  const { lanes, metrics, everyMs = EVERY_MS } = deps;
  const stopping = new AbortController();
  const recordControl = createControlMetrics(metrics);
  const services = new Set(lanes.map(({ service }) => service));

  const look = async (): Promise<void> => {
    // While Temporal is away, what was seen last stands; `playbook_temporal_up` tells.
    for (const service of services) {
      const control = await deps.readControl(service).catch(() => undefined);
      if (control !== undefined) recordControl(service, control);
    }
    for (const lane of lanes) {
      const closed = await deps.isClosed(lane).catch(() => undefined);
      if (closed !== undefined) metrics.set('playbook_gate_closed', lane, closed ? 1 : 0);
    }
  };
  const looking = (async () => {
    while (!stopping.signal.aborted) {
      await look();
      await sleep(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();
  return {
    stop: async () => {
      stopping.abort();
      await looking;
    },
  };
}
