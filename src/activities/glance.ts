import type { Glanced, GlanceActivities } from '../contracts/activities.ts';
import type { Route } from '../contracts/states.ts';
import { currentContext } from './activity-context.ts';
import { judge } from './failures.ts';
import { observe } from './observe.ts';
import { onBehalfOf } from './on-behalf-of.ts';
import type { Services } from './services.ts';

/** Longest a glance may take, in milliseconds: it holds a workflow task, and with it whatever else its job is told. */
export const GLANCE_MS = 1_000;
/** Glances at one lane at once. They hold slots for workflow tasks, which all services share. */
const MOST_AT_ONCE = 8;
/** For how long a service is not glanced at once it has taken too long, in milliseconds. */
const SLOW_FOR_MS = 30_000;

const NO_GLANCE: Glanced = { observation: null, polls: 0 };

/** What is known of one lane. */
interface Lane {
  underWay: number;
  slowUntilMs: number;
}

/**
 * Looks from within a workflow task (docs/decisions/0034-a-glance-within-the-workflow-task.md): through the gate as any request,
 * but only where they need not wait for it.
 */
export function createGlanceActivities(deps: {
  readonly services: Services;
  readonly nowMs: () => number;
  readonly context?: typeof currentContext;
}): GlanceActivities {
  const context = deps.context ?? currentContext;
  const lanes = new Map<string, Lane>();
  const laneAt = (service: string, route: Route): Lane => {
    const name = `${service} ${route}`;
    const lane = lanes.get(name) ?? { underWay: 0, slowUntilMs: -Infinity };
    lanes.set(name, lane);
    return lane;
  };

  return {
    glance: async (request) => {
      const { service, route, externalId } = request;
      const lane = laneAt(service, route);
      if (!deps.services.has(service, route) || lane.underWay >= MOST_AT_ONCE || deps.nowMs() < lane.slowUntilMs) {
        return NO_GLANCE;
      }
      const runtime = onBehalfOf(deps.services.get(service, route), request);
      if (runtime.passesAtOnce?.() !== true) return NO_GLANCE;
      const over = new AbortController();
      const timer = setTimeout(() => {
        lane.slowUntilMs = deps.nowMs() + SLOW_FOR_MS;
        over.abort(new Error(`No answer within ${GLANCE_MS} ms.`));
      }, GLANCE_MS);
      lane.underWay += 1;
      try {
        return {
          observation: await observe(runtime, externalId, AbortSignal.any([over.signal, context().signal])),
          polls: 1,
        };
      } catch (error) {
        // Asked again, and judged, by the ordinary fetch. What did not leave is no request.
        const { throttled, arrival } = judge(error);
        return throttled && arrival === 'never' ? NO_GLANCE : { observation: null, polls: 1 };
      } finally {
        clearTimeout(timer);
        lane.underWay -= 1;
      }
    },
  };
}
