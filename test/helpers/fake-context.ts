import type { ActivityContext } from '../../src/activities/activity-context.ts';

/** An activity attempt that a test decides about. */
export interface FakeContext extends ActivityContext {
  /** All that was heartbeated, in order; `acknowledged` where the server took note. */
  readonly heartbeats: { readonly details: unknown; readonly acknowledged: boolean }[];
  readonly abort: () => void;
}

export function fakeContext(more: Partial<ActivityContext> = {}): FakeContext {
  const controller = new AbortController();
  const heartbeats: FakeContext['heartbeats'] = [];
  const keep = (details: unknown, acknowledged: boolean): void => {
    heartbeats.push({ details: structuredClone(details), acknowledged });
  };
  return {
    attempt: 1,
    heartbeatDetails: undefined,
    signal: controller.signal,
    heartbeat: (details) => keep(details, false),
    acknowledgedHeartbeat: async (details) => keep(details, true),
    pendingActivity: async () => undefined,
    heartbeats,
    abort: () => controller.abort(),
    ...more,
  };
}
