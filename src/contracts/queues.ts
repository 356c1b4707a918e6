import type { Route } from './states.ts';

/** Task queue of every workflow (and of the local activities they run). */
export const WORKFLOW_QUEUE = 'playbook';

/**
 * Where a service's requests on one route pass: queues and a gate of their own, because the fallback is another system with
 * limits of its own. A service's name has no dot, so no lane has another service's name.
 */
export function laneOf(service: string, route: Route): string {
  return route === 'live' ? service : `${service}.${route}`;
}

/** Task queue of a lane's submits. */
export function submitQueue(lane: string): string {
  return `playbook-submit-${lane}`;
}

/** Task queue of a lane's reads: polls, fetches, lookups, cancellations. */
export function readQueue(lane: string): string {
  return `playbook-read-${lane}`;
}

/** Task queue of a lane's batches: chunks of submits, reads and cancellations, apart from single jobs so that these go on beside them. */
export function bulkQueue(lane: string): string {
  return `playbook-bulk-${lane}`;
}
