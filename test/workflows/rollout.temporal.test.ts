import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Worker } from '@temporalio/worker';
import { createRolloutActivities } from '../../src/activities/index.ts';
import { commandRollout, readRollout, readRolloutLog } from '../../src/client/index.ts';
import {
  INITIAL_CONTROL,
  integrationWorkflowId,
  LEASE_GRACE_MS,
  RENEW_LEASE_SIGNAL,
  type ControlChanges,
  type ControlState,
  type IntegrationMemo,
} from '../../src/contracts/control.ts';
import { PlaybookError } from '../../src/contracts/errors.ts';
import { WORKFLOW_QUEUE } from '../../src/contracts/queues.ts';
import type { NoticeResult, RolloutNotice } from '../../src/contracts/rollout-notice.ts';
import { rolloutWorkflowId } from '../../src/contracts/rollout.ts';
import { changed, refusal } from '../../src/rules/control.ts';
import type { RolloutCommand } from '../../src/rules/rollout/machine.ts';
import type { RolloutResult, WatchAnswer, WatchRequest } from '../../src/rules/rollout/messages.ts';
import type { RolloutPlan } from '../../src/rules/rollout/plan.ts';
import { RULE_VERSION } from '../../src/rules/slo/verdict.ts';
import {
  connectToServer,
  createTestWorker,
  createTimeSkippingEnvironment,
  testNamespace,
  unique,
} from '../helpers/temporal.ts';
import type { TestServer } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';
import { inputFor, seen, SMALL_PLAN, WHO } from '../rules/rollout/fixtures.ts';

/** A service whose samples a test decides. */
interface World {
  control: ControlState;
  /** Every weight that was set, and by which stage. */
  readonly set: { readonly weightBps: number; readonly stage: string | undefined }[];
  readonly watch: (request: WatchRequest, nth: number) => WatchAnswer | Promise<WatchAnswer>;
  watched: number;
  /** What people were told. */
  readonly notices: RolloutNotice[];
  /** Writes that fail before one is taken. */
  refuseWrites: number;
}

const worlds = new Map<string, World>();
const pass = (): WatchAnswer => ({ type: 'passed', ...seen('All good.') });
const progress = (): WatchAnswer => ({ type: 'progress', ...seen('Not enough yet.') });

function world(watch: World['watch']): { readonly service: string; readonly it: World } {
  const service = unique('svc')
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, '')
    .slice(0, 38);
  const created: World = { control: INITIAL_CONTROL, set: [], watch, watched: 0, notices: [], refuseWrites: 0 };
  worlds.set(service, created);
  return { service, it: created };
}

function worldOf(service: string): World {
  const found = worlds.get(service);
  if (found === undefined) throw new Error(`no world for ${service}`);
  return found;
}

/** Time stands still while an activity runs, so a watch says at once what it would say in the end. */
function scriptedActivities() {
  const real = createRolloutActivities({
    readControl: async (service) => worldOf(service).control,
    setWeight: async (service, change) => setWeight(worldOf(service), change),
    renewLease: async () => undefined,
    source: { read: async () => [] },
    outage: async () => undefined,
    cancelJob: async () => undefined,
    now: Date.now,
    sleep: async () => undefined,
  });
  return {
    ...real,
    notify: async (notice: RolloutNotice): Promise<NoticeResult> => {
      worldOf(notice.service).notices.push(notice);
      return 'unaddressed';
    },
    watchStage: async (request: WatchRequest): Promise<WatchAnswer> => {
      const found = worldOf(request.service);
      found.watched += 1;
      return found.watch(request, found.watched);
    },
  };
}

function setWeight(w: World, change: ControlChanges['setWeight']): ControlState {
  if (w.refuseWrites > 0) {
    w.refuseWrites -= 1;
    throw new Error('the write was lost');
  }
  const refused = refusal(w.control, 'setWeight', change);
  if (refused !== undefined) throw new PlaybookError(refused.code, refused.message);
  w.control = changed(w.control, 'setWeight', change, Date.now());
  w.set.push({ weightBps: change.weightBps, stage: change.stage?.split(':')[1] });
  return w.control;
}

describe('the rollout workflow', () => {
  let env: TestServer;
  let worker: Worker;
  let running: Promise<void>;

  beforeAll(async () => {
    const namespace = testNamespace();
    env = await connectToServer(undefined, namespace);
    worker = await createTestWorker({
      connection: env.nativeConnection,
      namespace,
      taskQueue: WORKFLOW_QUEUE,
      activities: scriptedActivities(),
    });
    running = worker.run();
  });
  afterAll(async () => {
    worker.shutdown();
    await running;
    await env.close();
  });

  async function begin(service: string, plan: RolloutPlan = SMALL_PLAN, stepsPerRun?: number) {
    return env.client.workflow.start('rollout', {
      workflowId: rolloutWorkflowId(service),
      taskQueue: WORKFLOW_QUEUE,
      args: [{ ...inputFor(service, INITIAL_CONTROL, plan), ...(stepsPerRun === undefined ? {} : { stepsPerRun }) }],
    });
  }
  const result = (service: string): Promise<RolloutResult> =>
    env.client.workflow.getHandle(rolloutWorkflowId(service)).result();
  const command = (service: string, name: RolloutCommand, expectedRevision?: number) =>
    commandRollout(env.client, service, name, {
      ...WHO,
      ...(expectedRevision === undefined ? {} : { expectedRevision }),
    });
  const unattended: RolloutPlan = {
    ...SMALL_PLAN,
    stages: SMALL_PLAN.stages.map((stage) => ({ ...stage, approval: false })),
  };
  async function phaseIs(service: string, phase: string): Promise<void> {
    while ((await readRollout(env.client, service))?.phase !== phase) await new Promise((next) => setTimeout(next, 20));
  }
  /** A watch that waits, as one does of which nothing is to be told yet. */
  const waiting = async (): Promise<WatchAnswer> => {
    await new Promise((next) => setTimeout(next, 50));
    return progress();
  };

  it('takes a good service through all stages, and leaves its weight to nobody', async () => {
    const { service, it: w } = world((_, nth) => (nth % 3 === 0 ? pass() : progress()));
    await begin(service, unattended);
    expect(await result(service)).toMatchObject({ phase: 'done', because: 'Every stage has passed.' });
    expect(w.set).toEqual([
      { weightBps: 0, stage: 'beta' },
      { weightBps: 1_000, stage: 'tenth' },
      { weightBps: 10_000, stage: 'all' },
      { weightBps: 10_000, stage: 'bake' },
      { weightBps: 10_000, stage: undefined },
    ]);
    expect(w.control).toMatchObject({ enabled: true, weightBps: 10_000 });
    expect(w.control.lease).toBeUndefined();
  });

  it('aborts to the safe weight when a watcher fails, however often the write is lost, and says why', async () => {
    const { service, it: w } = world(({ stage }) => {
      if (stage.name === 'beta') return pass();
      w.refuseWrites = 3;
      return { type: 'failed', ...seen('errors: 8 of 100 failed.') };
    });
    await begin(service, unattended);
    const ended = await result(service);
    expect(ended).toMatchObject({ phase: 'aborted', because: 'errors: 8 of 100 failed.' });
    expect(ended.log.at(-1)).toMatchObject({
      phase: 'aborted',
      stage: 'tenth',
      verdict: { ruleVersion: RULE_VERSION },
    });
    expect(w.control).toMatchObject({ weightBps: 0, allow: [] });
    expect(w.control.changed?.reason).toContain('errors: 8 of 100 failed.');
    expect(w.set.at(-1)).toEqual({ weightBps: 0, stage: undefined });
    // Every step is told once, by a workflow of its own.
    await until('the last notice', () => w.notices.length === ended.log.length);
    const told = w.notices.toSorted((a, b) => a.revision - b.revision);
    expect(told.map(({ revision, phase, stage }) => [revision, phase, stage])).toEqual(
      ended.log.map(({ revision, phase, stage }) => [revision, phase, stage]),
    );
    expect(told.at(-1)).toMatchObject({ weightBps: 0, because: 'errors: 8 of 100 failed.', watchers: [{}, {}, {}] });
  });

  it('waits for an approval while its watchers stay up, and takes one only for what was seen', async () => {
    const { service, it: w } = world((request) => (request.guardOnly ? waiting() : pass()));
    await begin(service);
    await phaseIs(service, 'awaiting-approval');
    const before = w.watched;
    await expect(command(service, 'approve', 1)).rejects.toMatchObject({ code: 'STALE_REVISION' });
    await expect(command(service, 'resume')).rejects.toMatchObject({
      code: 'INVALID_CHANGE',
      message: 'A rollout that is awaiting-approval cannot take resume.',
    });
    while (w.watched === before) await new Promise((next) => setTimeout(next, 20));
    const { revision } = (await readRollout(env.client, service)) ?? { revision: -1 };
    await command(service, 'approve', revision);
    expect(await result(service)).toMatchObject({ phase: 'done' });
    const log = await readRolloutLog(env.client, service);
    expect(log.map(({ phase }) => phase).slice(0, 4)).toEqual([
      'applying',
      'watching',
      'awaiting-approval',
      'applying',
    ]);
    expect(log[3]).toMatchObject({ actor: 'ana', reason: 'a test' });
  });

  it('pauses when somebody changes the weight behind its back, and goes on from there when told to', async () => {
    const { service, it: w } = world((request) => {
      if (request.mark === undefined) return waiting();
      return w.watched === 1 ? { type: 'changed', what: 'weight 3 % by bob' } : pass();
    });
    await begin(service, unattended);
    await phaseIs(service, 'paused');
    expect(await readRollout(env.client, service)).toMatchObject({
      because: 'The control state was changed by hand: weight 3 % by bob',
      stageIndex: 0,
    });
    setWeight(w, { actor: 'bob', reason: 'by hand', weightBps: 300 });
    await command(service, 'resume');
    expect(await result(service)).toMatchObject({ phase: 'done' });
    expect(w.set.slice(1, 3)).toEqual([
      { weightBps: 300, stage: undefined },
      { weightBps: 0, stage: 'beta' },
    ]);
  });

  it('holds in a freeze and goes on when it is over', async () => {
    const now = Date.now();
    const toMs = now + 4_000;
    const { service } = world((request) => (request.guardOnly ? waiting() : pass()));
    await begin(service, { ...unattended, freeze: [{ fromMs: now - 1, toMs }] });
    const { log } = await result(service);
    expect(log.map(({ phase }) => phase)).toContain('frozen');
    const thawed = log.find(({ reason }) => reason === 'The freeze is over.');
    expect(thawed?.atMs).toBeGreaterThanOrEqual(toMs);
  });

  it('is aborted by a cancellation of its workflow', async () => {
    const { service, it: w } = world(waiting);
    const handle = await begin(service);
    await phaseIs(service, 'watching');
    await handle.cancel();
    expect(await result(service)).toMatchObject({ phase: 'aborted', because: 'The workflow was canceled.' });
    expect(w.control).toMatchObject({ weightBps: 0, allow: [] });
  });

  it('takes at most a dozen events a step and 500 steps a run, so that no history grows beyond 10,000', async () => {
    const steps = 43;
    const { service } = world((_, nth) => (nth < steps ? progress() : { type: 'failed', ...seen() }));
    const handle = await begin(service, SMALL_PLAN, 20);
    await result(service);
    const lengths: number[] = [];
    for (let runId: string | undefined = handle.firstExecutionRunId; runId !== undefined;) {
      const { events } = await env.client.workflow.getHandle(rolloutWorkflowId(service), runId).fetchHistory();
      lengths.push(events?.length ?? 0);
      runId = events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
    }
    // Setting the weight and the way back are steps as well.
    expect(lengths.length).toBe(Math.ceil((steps + 2) / 20));
    for (const length of lengths) expect(length).toBeLessThanOrEqual(20 * 12);
  });
});

describe('the lease on a weight', () => {
  let env: TestWorkflowEnvironment;
  let worker: Worker;
  let running: Promise<void>;
  beforeAll(async () => {
    env = await createTimeSkippingEnvironment();
    worker = await createTestWorker({ connection: env.nativeConnection, taskQueue: WORKFLOW_QUEUE });
    running = worker.run();
  });
  afterAll(async () => {
    worker.shutdown();
    await running;
    await env.teardown();
  });

  async function leased(ms: number) {
    const service = unique('leased').toLowerCase();
    const handle = await env.client.workflow.start('integration', {
      workflowId: integrationWorkflowId(service),
      taskQueue: WORKFLOW_QUEUE,
      args: [{ service }],
      memo: { control: INITIAL_CONTROL },
    });
    const untilMs = (await env.currentTimeMs()) + ms;
    await handle.executeUpdate('setWeight', {
      args: [
        {
          ...WHO,
          weightBps: 1_000,
          enabled: true,
          allow: ['beta'],
          stage: 'r:tenth',
          lease: { holder: 'r', untilMs, safeWeightBps: 100, safeAllow: [] },
        },
      ],
    });
    const read = async (): Promise<ControlState> =>
      ((await handle.describe()).memo as unknown as IntegrationMemo).control;
    return { handle, untilMs, read };
  }

  it('lets the weight fall to the safe one a minute after it ran out, and says who did not renew it', async () => {
    const { handle, read } = await leased(60_000);
    expect(await read()).toMatchObject({ weightBps: 1_000, allow: ['beta'], enabled: true });
    await env.sleep(60_000 + LEASE_GRACE_MS / 2);
    expect(await read()).toMatchObject({ weightBps: 1_000 });
    await env.sleep(LEASE_GRACE_MS);
    const after = await read();
    expect(after).toMatchObject({
      weightBps: 100,
      allow: [],
      enabled: true,
      changed: { actor: 'playbook', what: 'weight 1 %, allow list -beta (now 0)' },
    });
    expect(after.changed?.reason).toMatch(/^r has not renewed its lease, which ran out at /);
    expect(after.lease).toBeUndefined();
    expect(after.stage).toBeUndefined();
    await handle.terminate();
  });

  it('holds the weight as long as it is renewed, within the grace as well, and by its holder only', async () => {
    const { handle, untilMs, read } = await leased(60_000);
    await handle.signal(RENEW_LEASE_SIGNAL, { holder: 'r', untilMs: untilMs + 60_000 });
    await handle.signal(RENEW_LEASE_SIGNAL, { holder: 'somebody else', untilMs: untilMs + 900_000 });
    await env.sleep(120_000 + LEASE_GRACE_MS / 2);
    await handle.signal(RENEW_LEASE_SIGNAL, { holder: 'r', untilMs: untilMs + 300_000 });
    await env.sleep(120_000);
    expect(await read()).toMatchObject({ weightBps: 1_000, revision: 1 });
    await env.sleep(120_000 + LEASE_GRACE_MS);
    expect(await read()).toMatchObject({ weightBps: 100, revision: 2 });
    await handle.terminate();
  });

  it('ends when a person sets the weight: it is theirs', async () => {
    const { handle, read } = await leased(60_000);
    await handle.executeUpdate('setWeight', { args: [{ ...WHO, weightBps: 5_000 }] });
    await env.sleep(600_000);
    expect(await read()).toMatchObject({ weightBps: 5_000, revision: 2 });
    await handle.terminate();
  });
});
