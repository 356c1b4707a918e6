import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import { integrationWorkflowId, type ControlState } from '../../../src/contracts/control.ts';
import { rolloutWorkflowId } from '../../../src/contracts/rollout.ts';
import type { RolloutCommand } from '../../../src/rules/rollout/machine.ts';
import type { RolloutView, WatchAnswer, WatchRequest } from '../../../src/rules/rollout/messages.ts';
import { stagesOf, type RolloutPlan } from '../../../src/rules/rollout/plan.ts';

type HistoryEvent = temporal.api.history.v1.IHistoryEvent;
type Payload = temporal.api.common.v1.IPayload;
/** Something, and when the server wrote it down, in milliseconds. */
type Dated<T> = T & { readonly atMs: number };

/** What one rollout did, and what it was told, as the histories of its workflow and of its control state have it. */
export interface Story {
  /** Every control state there was, the first one first. */
  readonly controls: readonly Dated<{ readonly state: ControlState }>[];
  /** Stages that a watch let pass. */
  readonly passes: readonly Dated<{ readonly stage: string }>[];
  /** What people asked for and were given, with what came of it. */
  readonly said: readonly Dated<{ readonly command: RolloutCommand; readonly view: RolloutView }>[];
  /** When it had the safe weight, after an abort. */
  readonly abortedMs?: number;
  readonly runs: number;
  /** Whether both histories go up to where the server says their workflows are. */
  readonly isWhole: boolean;
  /** Activity attempts that ended with their worker. */
  readonly lost: number;
}

export async function readStory(client: Client, service: string, firstRunId: string): Promise<Story> {
  const { events: control, isWhole: isControlWhole } = await eventsOf(client, integrationWorkflowId(service));
  const { events: rollout, isWhole } = await eventsOf(client, rolloutWorkflowId(service), firstRunId);
  const scheduled = new Map(rollout.map((event) => [keyOf(event.run, event.eventId), event]));
  const accepted = new Map<string, RolloutCommand>();
  const passes: Dated<{ stage: string }>[] = [];
  const said: Dated<{ command: RolloutCommand; view: RolloutView }>[] = [];
  let lost = 0;
  let abortedMs: number | undefined;
  for (const event of rollout) {
    const { atMs, run } = event;
    const completed = event.activityTaskCompletedEventAttributes;
    if (completed) {
      const start = scheduled.get(keyOf(run, completed.scheduledEventId))?.activityTaskScheduledEventAttributes;
      const [request, answer] = [start?.input?.payloads?.[0], completed.result?.payloads?.[0]];
      const isWatch = start?.activityType?.name === 'watchStage' && request && answer;
      if (isWatch && (decode(answer) as WatchAnswer).type === 'passed') {
        passes.push({ atMs, stage: (decode(request) as WatchRequest).stage.name });
      }
    }
    const memo = event.workflowPropertiesModifiedEventAttributes?.upsertedMemo?.fields?.['rollout'];
    if (memo && (decode(memo) as RolloutView).phase === 'aborted') abortedMs ??= atMs;
    lost += event.activityTaskStartedEventAttributes?.lastFailure?.timeoutFailureInfo ? 1 : 0;
    const { acceptedRequest } = event.workflowExecutionUpdateAcceptedEventAttributes ?? {};
    if (acceptedRequest) {
      accepted.set(String(acceptedRequest.meta?.updateId), acceptedRequest.input?.name as RolloutCommand);
    }
    const updated = event.workflowExecutionUpdateCompletedEventAttributes;
    const command = accepted.get(String(updated?.meta?.updateId));
    const view = updated?.outcome?.success?.payloads?.[0];
    if (command !== undefined && view) said.push({ atMs, command, view: decode(view) as RolloutView });
  }
  return {
    controls: control.flatMap(({ atMs, ...event }) => {
      const memo =
        event.workflowExecutionStartedEventAttributes?.memo ??
        event.workflowPropertiesModifiedEventAttributes?.upsertedMemo;
      const payload = memo?.fields?.['control'];
      return payload ? [{ atMs, state: decode(payload) as ControlState }] : [];
    }),
    passes,
    said,
    ...(abortedMs === undefined ? {} : { abortedMs }),
    isWhole: isWhole && isControlWhole,
    runs: new Set(rollout.map(({ run }) => run)).size,
    lost,
  };
}

/** Rises of the weight that nothing allows, each in words; a person who sets the control state itself may do as they like. */
export function unearnedRises(
  { controls, passes, said, abortedMs = Infinity }: Story,
  plan: RolloutPlan,
): readonly string[] {
  const stages = stagesOf(plan);
  const isLetGo = (index: number, byMs: number): boolean => {
    const stage = stages[index];
    const was = (command: RolloutCommand): boolean =>
      said.some((one) => one.command === command && one.atMs <= byMs && stageMeant(one.view, command) === index);
    if (was('promote')) return true;
    const passed = passes.some((one) => one.stage === stage?.name && one.atMs <= byMs);
    return passed && (stage?.approval !== true || was('approve'));
  };
  return controls.flatMap(({ atMs, state }, nth) => {
    const beforeBps = controls[nth - 1]?.state.weightBps ?? state.weightBps;
    const who = state.changed?.actor ?? '';
    if (state.weightBps <= beforeBps || !/^(rollout|playbook)/.test(who)) return [];
    // At its end it holds no stage any more, and leaves the last one's weight.
    const name = state.stage === undefined ? 'the end' : state.stage.split(':')[1];
    const index = state.stage === undefined ? stages.length : stages.findIndex((stage) => stage.name === name);
    const rise = `revision ${state.revision}, ${who}: ${beforeBps} to ${state.weightBps} for ${name}`;
    if (atMs > abortedMs) return [`${rise}, though it was aborted`];
    if (index === -1 || state.weightBps > ((stages[index] ?? stages.at(-1))?.weightBps ?? 0))
      return [`${rise} is no stage's weight`];
    const missing = stages.slice(0, index).filter((_, earlier) => !isLetGo(earlier, atMs));
    return missing.map((stage) => `${rise}, though ${stage.name} has not passed`);
  });
}

/** The stage a command was about: what is seen afterwards may be the next. */
function stageMeant({ phase, stageIndex }: RolloutView, command: RolloutCommand): number {
  return command === 'promote' || phase === 'applying' ? stageIndex - 1 : stageIndex;
}

/** Events of all runs, from the first one on. */
async function eventsOf(
  client: Client,
  workflowId: string,
  firstRunId?: string,
): Promise<{ readonly events: readonly Dated<HistoryEvent & { readonly run: string }>[]; readonly isWhole: boolean }> {
  const first = firstRunId ?? (await firstRun(client, workflowId));
  const events: Dated<HistoryEvent & { readonly run: string }>[] = [];
  for (let run: string | undefined = first; run !== undefined;) {
    const history: readonly HistoryEvent[] =
      (await client.workflow.getHandle(workflowId, run).fetchHistory()).events ?? [];
    const of = run;
    events.push(...history.map((event) => ({ ...event, run: of, atMs: millisecondsOf(event) })));
    run = history.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }
  const { runId, historyLength } = await client.workflow.getHandle(workflowId).describe();
  const { run: lastRun, eventId } = events.at(-1) ?? {};
  return { events, isWhole: lastRun === runId && Number(eventId) === historyLength };
}

async function firstRun(client: Client, workflowId: string): Promise<string> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  return events?.[0]?.workflowExecutionStartedEventAttributes?.firstExecutionRunId ?? '';
}

function keyOf(run: string, eventId: HistoryEvent['eventId']): string {
  return `${run}:${String(eventId)}`;
}

function millisecondsOf({ eventTime }: HistoryEvent): number {
  return Number(eventTime?.seconds ?? 0) * 1_000 + (eventTime?.nanos ?? 0) / 1e6;
}

function decode(payload: Payload): unknown {
  return defaultPayloadConverter.fromPayload(payload);
}
