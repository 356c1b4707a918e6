import { setTimeout as sleep } from 'node:timers/promises';
import { commandRollout, readControl, readRollout, readRolloutLog, startRollout } from '../../../src/client/index.ts';
import { readStageJobs } from '../../../src/client/stage-samples.ts';
import { bucketOf } from '../../../src/rules/bucketing.ts';
import type { SampledJob } from '../../../src/rules/rollout/collect.ts';
import type { Transition } from '../../../src/rules/rollout/machine.ts';
import type { RolloutView } from '../../../src/rules/rollout/messages.ts';
import { stagesOf, type RolloutPlan, type RolloutStage } from '../../../src/rules/rollout/plan.ts';
import { until } from '../../helpers/until.ts';
import type { Lab } from './lab.ts';

const WHO = { actor: 'lab', reason: 'an experiment' };
const UNITS = 40;
/** Workers look at the control state once a second: who asks sooner may be admitted to the stage before. */
const FOLLOWED_MS = 1_100;

export interface Drive {
  readonly service: string;
  readonly plan: RolloutPlan;
  readonly perSecond: number;
  /** Never more jobs than that. */
  readonly mostJobs: number;
  /** Stages that a person promotes without waiting. */
  readonly promoted?: readonly string[];
  /** Called once a stage's weight is in force, before its first job. */
  readonly onStage?: (stage: string) => Promise<void>;
}

/** How a rollout went. */
export interface Driven {
  readonly view: RolloutView;
  readonly log: readonly Transition[];
  /** Jobs that were started, and those of them that have ended once all was quiet. */
  readonly started: number;
  readonly ended: number;
  /** The rollout's jobs, as visibility has them in the end. */
  readonly jobs: readonly SampledJob[];
}

/** Walks a rollout with traffic of the lab's own, from units that each stage admits, until it is over. */
export async function drive(lab: Lab, options: Drive): Promise<Driven> {
  const { service, plan, perSecond, mostJobs, promoted = [], onStage } = options;
  const { client, playbook } = lab;
  const { integration } = lab.service(service);
  const units = new Map(stagesOf(plan).map((stage) => [stage.name, unitsOf(service, stage)]));
  const begunMs = Date.now();
  await startRollout(client, service, { plan, who: WHO });
  let [started, approved, stage] = [0, '', ''];
  let enteredMs = 0;
  const starting = new Set<Promise<unknown>>();
  for (;;) {
    const view = await readRollout(client, service);
    if (view === undefined || view.phase === 'done' || view.phase === 'aborted') break;
    const name = view.stages[view.stageIndex]?.name ?? '';
    const inForce = (await readControl(client, service)).stage?.endsWith(`:${name}`) === true;
    if (view.phase === 'watching' && inForce && name !== stage) {
      [stage, enteredMs] = [name, Date.now()];
      await onStage?.(name);
      if (promoted.includes(name)) await commandRollout(client, service, 'promote', WHO);
    }
    const needsApproval = plan.stages.find((one) => one.name === name)?.approval === true && !promoted.includes(name);
    if (needsApproval && approved !== name && view.phase === 'watching') {
      approved = name;
      await commandRollout(client, service, 'approve', WHO);
    }
    const ready = name === stage && view.phase === 'watching' && Date.now() - enteredMs > FOLLOWED_MS;
    if (ready && started < mostJobs && starting.size < 20 && !promoted.includes(name)) {
      const pool = units.get(name) ?? [];
      const unit = pool[started % pool.length] ?? '';
      started += 1;
      const start = playbook.start(integration, {}, { key: `job-${started}`, unit });
      const done = start.finally(() => starting.delete(done));
      starting.add(done);
    }
    await sleep(1_000 / perSecond);
  }
  await Promise.all(starting);
  const over = `WorkflowType = 'externalJob' AND PlaybookService = '${service}' AND ExecutionStatus IN ('Completed', 'Failed')`;
  const countEnded = async (): Promise<number> => (await client.workflow.count(over)).count;
  await until(`all jobs of ${service} to end`, async () => (await countEnded()) >= started, 60_000);
  const ended = await countEnded();
  const view = await readRollout(client, service);
  if (view === undefined) throw new Error('The rollout is gone.');
  const jobs = await readStageJobs(client, { service, rollout: view.id, fromMs: begunMs });
  return { view, log: await readRolloutLog(client, service), started, ended, jobs };
}

/** Units a stage admits. On the fallback anybody whom it does not. */
function unitsOf(service: string, stage: RolloutStage): readonly string[] {
  if (stage.route === 'fallback') return ['anybody'];
  if (stage.weightBps === 0) return stage.allow;
  const found: string[] = [];
  for (let nth = 0; found.length < UNITS; nth += 1) {
    const unit = `unit-${nth}`;
    if (bucketOf('r1', service, unit) < stage.weightBps) found.push(unit);
  }
  return found;
}

/**
 * Milliseconds from the sample that decided an abort to the safe weight, read back.
 * @param metric what decided: an end for errors and cost, for latency the moment a job was older than the threshold
 */
export function abortedAfterMs({ log, jobs }: Driven, metric: 'errors' | 'latency' | 'cost', abortMs: number): number {
  const [aborting, aborted] = [log.find(({ phase }) => phase === 'aborting'), log.at(-1)];
  if (aborting?.verdict === undefined || aborted?.phase !== 'aborted') throw new Error('It was not aborted.');
  const samples = aborting.verdict.watchers.find((watcher) => watcher.metric === metric)?.abort.n ?? 0;
  const stage = jobs.filter((job) => job.stage.endsWith(`:${aborting.stage}`));
  const times = stage.map(({ startedMs, finishedMs }) =>
    metric === 'latency' ? startedMs + abortMs : (finishedMs ?? Infinity),
  );
  return aborted.atMs - (times.toSorted((a, b) => a - b)[samples - 1] ?? -Infinity);
}
