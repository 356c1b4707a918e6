import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import {
  commandRollout,
  readRollout,
  readRolloutLog,
  retryRollout,
  rollBack,
  signalAbort,
  startRollout,
} from '../../client/index.ts';
import { quoted } from '../../client/quoted.ts';
import { PlaybookError } from '../../contracts/errors.ts';
import { EXTERNAL_JOB_WORKFLOW } from '../../contracts/messages.ts';
import { SEARCH_ATTRIBUTES } from '../../contracts/search-attributes.ts';
import { loadRolloutPlan } from '../../definition/index.ts';
import { describeRollout } from '../../rules/rollout/describe.ts';
import type { CommandArguments, RolloutCommand, Who } from '../../rules/rollout/machine.ts';
import { stagesOf, type RolloutPlan, type RolloutStage } from '../../rules/rollout/plan.ts';
import { forecastStage } from '../../rules/slo/sample-size.ts';
import { checkService } from '../compose/operated-services.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { age, clockTime, count } from '../output/format.ts';
import { columns } from '../output/job-text.ts';
import { createScreen } from '../output/screen.ts';
import { INTEGRATIONS_FOLDER } from '../package-folders.ts';
import { withRunning } from './jobs.ts';

export interface RolloutOptions {
  readonly service: string;
  readonly json: boolean;
}

const DAY_MS = 86_400_000;
const EVERY_MS = 1_000;

function planOf(io: CliIo, service: string, path: string | undefined) {
  return path === undefined
    ? loadRolloutPlan(join(INTEGRATIONS_FOLDER, service, 'rollout.yaml'))
    : loadRolloutPlan(resolve(io.cwd, path), { isNamed: true });
}

/** The plan, with what each stage needs at the traffic of the last day. */
export async function showPlan(
  io: CliIo,
  { service, json, plan: path }: RolloutOptions & { readonly plan: string | undefined },
): Promise<ExitCode> {
  const plan = await planOf(io, service, path);
  return withRunning(io, async ({ client }) => {
    await checkService(client, service);
    const perDay = await recentTraffic(client, service);
    const stages = await Promise.all(
      stagesOf(plan).map(async (stage) => {
        const stagePerDay = await trafficOf(client, service, stage, perDay);
        const forecast = forecastStage({ ...stage, watchers: plan.watchers, weightBps: 10_000 }, stagePerDay);
        return { stage, requestsPerDay: stagePerDay, forecast };
      }),
    );
    if (json) {
      io.stdout.write(`${JSON.stringify({ service, requestsPerDay: perDay, plan, stages })}\n`);
      return EXIT.ok;
    }
    const rows = stages.map(({ stage, forecast }) => [
      stage.name,
      stage.route,
      `${stage.weightBps / 100} %${stage.allow.length === 0 ? '' : ` + ${count(stage.allow.length, 'unit')}`}`,
      String(forecast.samples),
      Number.isFinite(forecast.takesMs) ? age(forecast.takesMs) : 'no traffic',
      age(stage.deadlineMs),
      stage.approval ? 'needed' : '',
    ]);
    io.stdout.write(columns([['STAGE', 'ROUTE', 'WHO', 'SAMPLES', 'TAKES', 'DEADLINE', 'APPROVAL'], ...rows]));
    io.stdout.write(`At ${count(perDay, 'job')} in the last 24 h. ${onAbortText(plan)}\n`);
    const notes = new Map<string, string[]>();
    for (const { stage, forecast } of stages) {
      for (const note of forecast.notes) notes.set(note, [...(notes.get(note) ?? []), stage.name]);
    }
    for (const [note, names] of notes) {
      io.stdout.write(`${names.length === stages.length ? 'Every stage' : names.join(', ')}: ${note}\n`);
    }
    return EXIT.ok;
  });
}

function onAbortText({ safeWeightBps, onAbort }: RolloutPlan): string {
  const rest = onAbort === 'cancel' ? 'are told to cancel' : 'finish';
  return `An abort goes back to ${safeWeightBps / 100} %; jobs at the service ${rest}, those not sent yet are admitted anew.`;
}

/** What a stage would see of the recent traffic: those within its weight, and those it lists; all of them on the fallback. */
async function trafficOf(
  client: Client,
  service: string,
  { route, weightBps, allow }: RolloutStage,
  perDay: number,
): Promise<number> {
  if (route === 'fallback') return perDay;
  const share = weightBps / 10_000;
  if (allow.length === 0) return perDay * share;
  const units = allow.map((unit) => `'${quoted(unit)}'`).join(', ');
  const listed = await recentTraffic(client, service, ` AND ${SEARCH_ATTRIBUTES.unit.name} IN (${units})`);
  return perDay * share + listed * (1 - share);
}

async function recentTraffic(client: Client, service: string, more = ''): Promise<number> {
  const since = new Date(Date.now() - DAY_MS).toISOString();
  const query = `WorkflowType = '${EXTERNAL_JOB_WORKFLOW}' AND ${SEARCH_ATTRIBUTES.service.name} = '${service}' AND StartTime >= '${since}'${more}`;
  return (await client.workflow.count(query)).count;
}

export interface StartOptions extends RolloutOptions {
  readonly why: Who;
  readonly plan: string | undefined;
}

/** Starts a rollout. */
export async function beginRollout(io: CliIo, { service, json, why, plan: path }: StartOptions): Promise<ExitCode> {
  const plan = await planOf(io, service, path);
  return withRunning(io, async ({ client }) => {
    await checkService(client, service);
    await startRollout(client, service, { plan, who: why });
    io.stdout.write(started(service, json));
    return EXIT.ok;
  });
}

/** The next attempt at a rollout that was aborted. */
export async function retryAborted(
  io: CliIo,
  { service, json, why, plan: path, expectedRevision }: CommandOptions & { readonly plan: string | undefined },
): Promise<ExitCode> {
  const plan = await planOf(io, service, path);
  return withRunning(io, async ({ client }) => {
    await checkService(client, service);
    await retryRollout(client, service, {
      plan,
      who: why,
      ...(expectedRevision === undefined ? {} : { expectedRevision }),
    });
    io.stdout.write(started(service, json));
    return EXIT.ok;
  });
}

function started(service: string, json: boolean): string {
  if (json) return `${JSON.stringify({ service, started: true })}\n`;
  return `The rollout of ${service} has started. Follow it: playbook rollout status ${service} --watch\n`;
}

/** Back to what held before the latest rollout. */
export async function undoRollout(io: CliIo, { service, json, why }: Omit<StartOptions, 'plan'>): Promise<ExitCode> {
  return withRunning(io, async ({ client }) => {
    await checkService(client, service);
    const weightBps = await rollBack(client, service, why);
    const text = `${service} is back at what held before its latest rollout: ${weightBps / 100} % of units.\n`;
    io.stdout.write(json ? `${JSON.stringify({ service, weightBps })}\n` : text);
    return EXIT.ok;
  });
}

/** How the latest rollout stands; needs no worker. */
export async function showRollout(
  io: CliIo,
  { service, json, watch }: RolloutOptions & { readonly watch: boolean },
): Promise<ExitCode> {
  return withRunning(io, async ({ client }) => {
    await checkService(client, service);
    const screen = createScreen(io);
    for (;;) {
      const view = await readRollout(client, service);
      if (view === undefined) throw new PlaybookError('INVALID_CHANGE', `There has been no rollout of ${service}.`);
      const text = json ? JSON.stringify(view) : describeRollout(view, Date.now());
      if (watch && screen.isLive && !json) screen.live(text.split('\n'));
      else io.stdout.write(`${text}\n`);
      const isOver = view.phase === 'done' || view.phase === 'aborted';
      if (!watch || isOver || io.interrupt.aborted) return EXIT.ok;
      await sleep(EVERY_MS, undefined, { signal: io.interrupt }).catch(() => undefined);
    }
  });
}

export interface CommandOptions extends RolloutOptions {
  readonly why: Who;
  readonly expectedRevision: number | undefined;
}

/** Approves, pauses, resumes, promotes, aborts or sets the weight. */
export async function tellRollout(
  io: CliIo,
  command: RolloutCommand,
  { service, json, why, expectedRevision, weightBps }: CommandOptions & CommandArguments,
): Promise<ExitCode> {
  return withRunning(io, async ({ client }) => {
    await checkService(client, service);
    const change = {
      ...why,
      ...(expectedRevision === undefined ? {} : { expectedRevision }),
      ...(weightBps === undefined ? {} : { weightBps }),
    };
    const view = await commandRollout(client, service, command, change);
    io.stdout.write(`${json ? JSON.stringify(view) : describeRollout(view, Date.now())}\n`);
    return EXIT.ok;
  });
}

/** Aborts without waiting for a worker: as soon as there is one. */
export async function abortLater(
  io: CliIo,
  { service, json, why }: Omit<CommandOptions, 'expectedRevision'>,
): Promise<ExitCode> {
  return withRunning(io, async ({ client }) => {
    await checkService(client, service);
    await signalAbort(client, service, why);
    io.stdout.write(
      json ? `${JSON.stringify({ service, asked: true })}\n` : `The rollout of ${service} is told to abort.\n`,
    );
    return EXIT.ok;
  });
}

/** Every step of the latest rollout with what was known at it. */
export async function showRolloutHistory(io: CliIo, { service, json }: RolloutOptions): Promise<ExitCode> {
  return withRunning(io, async ({ client }) => {
    await checkService(client, service);
    const log = await readRolloutLog(client, service);
    if (json) for (const step of log) io.stdout.write(`${JSON.stringify({ service, ...step })}\n`);
    else {
      const rows = log.map(({ atMs, stage, phase, actor, reason }) => [
        clockTime(atMs),
        stage,
        phase,
        actor,
        reason.replaceAll('\n', ' '),
      ]);
      io.stdout.write(columns([['WHEN', 'STAGE', 'PHASE', 'WHO', 'WHY'], ...rows]));
    }
    return EXIT.ok;
  });
}
