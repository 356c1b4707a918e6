import type { LaneReading, ServiceReading } from '../compose/service-reading.ts';

/** How a service stands, as `playbook status --json` prints it. Others script against this shape; money is in dollars. */
export function statusLine({ service, control, lanes, jobs, oldest, readAtMs }: ServiceReading): object {
  const { enabled, weightBps, allow, deny, stage, budget, revision, changed } = control;
  return {
    service,
    readAt: iso(readAtMs),
    enabled,
    weightPercent: weightBps / 100,
    allow,
    deny,
    stage: stage ?? null,
    revision,
    changed:
      changed === undefined
        ? null
        : { what: changed.what, actor: changed.actor, reason: changed.reason, at: iso(changed.atMs) },
    budget: {
      hourlyUsd: budget.hourlyMicros === undefined ? null : budget.hourlyMicros / 1e6,
      dailyUsd: budget.dailyMicros === undefined ? null : budget.dailyMicros / 1e6,
    },
    jobs: {
      created: jobs.created,
      processing: jobs.processing,
      oldest:
        oldest === undefined
          ? null
          : { workflowId: oldest.workflowId, state: oldest.state, startedAt: oldest.startedAt },
    },
    gates: lanes.map(gateLine),
  };
}

function gateLine({ lane, route, exists, killed, holder, view }: LaneReading): object {
  return {
    gate: lane,
    route,
    exists,
    killed: killed === null ? null : { actor: killed.actor, reason: killed.reason, since: iso(killed.atMs) },
    holder,
    rate:
      view === null
        ? null
        : {
            limit: view.rate.limit,
            cap: view.rate.cap,
            windowMs: view.rate.windowMs,
            reason: view.rate.reason,
            frozenUntil: view.rate.frozenUntilMs === undefined ? null : iso(view.rate.frozenUntilMs),
          },
    inFlight: view?.inFlight ?? null,
    breaker:
      view === null
        ? null
        : {
            state: view.breaker.state,
            reason: view.breaker.reason,
            nextProbe: view.breaker.nextProbeMs === undefined ? null : iso(view.breaker.nextProbeMs),
          },
    spent:
      view === null
        ? null
        : view.budget.map(({ window, spentMicros, limitMicros, turnsAtMs }) => ({
            window,
            spentUsd: spentMicros / 1e6,
            limitUsd: limitMicros === undefined ? null : limitMicros / 1e6,
            turnsAt: iso(turnsAtMs),
          })),
    submitsHeld: view?.submitsHeld ?? null,
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
