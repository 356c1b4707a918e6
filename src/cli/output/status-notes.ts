import type { LaneReading, ServiceReading } from '../compose/service-reading.ts';
import { age, clockTime, count, money } from './format.ts';

/** Share of a budget from which on it is told. */
const ALARM_SHARE = 0.8;

/** What needs a look, one sentence each, with what to do. */
export function attention(services: readonly ServiceReading[], hasWorker: boolean): readonly string[] {
  return [
    ...(hasWorker ? [] : ['No worker is polling: jobs wait, nothing is sent. Start one: `playbook worker`.']),
    ...services.flatMap((reading) => [
      ...reading.lanes.flatMap((lane) => laneNotes(reading, lane, hasWorker)),
      ...controlNotes(reading),
    ]),
  ];
}

function laneNotes(
  { service, jobs, control, readAtMs }: ServiceReading,
  lane: LaneReading,
  hasWorker: boolean,
): string[] {
  const { killed, view, exists, holder } = lane;
  if (killed !== null) {
    const { actor, reason, atMs } = killed;
    const since = `${clockTime(atMs)} (${age(readAtMs - atMs)} ago)`;
    return [
      `${lane.lane} is killed by ${actor} since ${since}: ${reason}. Nothing is sent, jobs wait. Open it: \`playbook restore ${lane.lane}\`.`,
    ];
  }
  const notes: string[] = [];
  if (holder === null && hasWorker && (exists || jobs.created + jobs.processing > 0)) {
    notes.push(
      `Nobody holds the gate of ${lane.lane}: nothing is sent. For some seconds after a crash that is normal; else its workers are down or frozen, or none has its configuration.`,
    );
  }
  if (view === null) return notes;
  const { breaker, rate, submitsHeld } = view;
  if (breaker.state !== 'closed') {
    const probe =
      breaker.nextProbeMs === undefined
        ? ''
        : ` The next probe leaves in ${age(Math.max(0, breaker.nextProbeMs - readAtMs))}.`;
    notes.push(
      `The breaker of ${lane.lane} is ${breaker.state}: ${breaker.reason}${probe} Jobs wait; none fails by that.`,
    );
  }
  if (rate.frozenUntilMs !== undefined && rate.frozenUntilMs > readAtMs) {
    notes.push(`${lane.lane} asked everybody to wait: nothing leaves for ${age(rate.frozenUntilMs - readAtMs)}.`);
  }
  if (rate.limit < rate.cap) notes.push(`${lane.lane} is slower than its cap: ${rate.reason}`);
  if (submitsHeld !== undefined) {
    notes.push(`${submitsHeld} Raise it: \`playbook budget ${service}\`. Jobs already at the service go on.`);
  } else {
    for (const { window, spentMicros } of view.budget) {
      const limit = window === 'hourly' ? control.budget.hourlyMicros : control.budget.dailyMicros;
      if (limit === undefined || spentMicros < limit * ALARM_SHARE) continue;
      notes.push(`${lane.lane} has spent ${money(spentMicros)} of its ${window} budget of ${money(limit)}.`);
    }
  }
  return notes;
}

function controlNotes({ service, control, jobs }: ServiceReading): string[] {
  const open = jobs.created + jobs.processing;
  if (!control.enabled && control.allow.length > 0) {
    const admitted = count(control.allow.length, 'unit');
    return [
      `${service} is disabled, but ${admitted} on its allow list ${control.allow.length === 1 ? 'is' : 'are'} admitted.`,
    ];
  }
  if (control.enabled || open === 0) return [];
  return [`${service} is disabled: new jobs are not admitted; ${count(open, 'job')} under way end as usual.`];
}
