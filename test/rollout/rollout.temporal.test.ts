import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  changeControl,
  commandRollout,
  readChanges,
  readControl,
  readRollout,
  readRolloutLog,
  rollBack,
  signalAbort,
  startRollout,
} from '../../src/client/index.ts';
import { integrationWorkflowId } from '../../src/contracts/control.ts';
import { rolloutWorkflowId } from '../../src/contracts/rollout.ts';
import type { RolloutResult } from '../../src/rules/rollout/messages.ts';
import { PLAN_DEFAULTS, STAGE_DEFAULTS, type RolloutPlan } from '../../src/rules/rollout/plan.ts';
import type { Watcher } from '../../src/rules/slo/watchers.ts';
import { recordHistory } from '../helpers/histories.ts';
import { startJobBench, type JobBench } from '../helpers/job-worker.ts';
import { DONE, scriptedService } from '../helpers/scripted.ts';
import { until } from '../helpers/until.ts';

const WHO = { actor: 'ana', reason: 'a test' };
// Not for latency: how fast a busy machine is proves nothing; that is tested on clocks of the tests' own.
const WATCHERS: readonly Watcher[] = [
  { metric: 'errors', objective: 0.01, abort: 0.05 },
  { metric: 'cost', objectiveMicros: 20_000, abortMicros: 50_000, capMicros: 500_000 },
];
const quick = {
  ...STAGE_DEFAULTS,
  minSamples: 5,
  minSoakMs: 10,
  deadlineMs: 60_000,
  // Little evidence suffices here: the statistics have tests of their own.
  confidence: { alpha: 0.3, beta: 0.3, phi: { floor: 1, ceiling: 1 } },
};
const PLAN: RolloutPlan = {
  ...PLAN_DEFAULTS,
  watchers: WATCHERS,
  bakeMs: 0,
  stages: [
    { ...quick, name: 'beta', allow: ['internal'] },
    { ...quick, name: 'all', weightBps: 10_000 },
  ],
};

/** Workers look at the control state once a second. */
const followed = () => new Promise((next) => setTimeout(next, 1_100));

/** The worker's own activities, visibility and control state; only the service's answers are scripted. */
describe('a rollout on a real server', () => {
  const names = ['good', 'failing', 'dear', 'idle'] as const;
  type Name = (typeof names)[number];
  const services = new Map(
    names.map((service) => [service, scriptedService({ service, cost: { perJobMicros: 1_000 } })]),
  );
  const serviceOf = (name: Name) => {
    const found = services.get(name);
    if (found === undefined) throw new Error(name);
    return found;
  };
  let bench: JobBench;
  beforeAll(async () => {
    bench = await startJobBench([...services.values()].map(({ runtime }) => runtime));
  });
  afterAll(() => bench.close());

  const view = (service: Name) => readRollout(bench.temporal, service);
  const result = (service: Name): Promise<RolloutResult> =>
    bench.temporal.workflow.getHandle(rolloutWorkflowId(service)).result();
  const begin = async (service: Name, more: Partial<RolloutPlan> = {}): Promise<void> => {
    await startRollout(bench.temporal, service, { plan: { ...PLAN, ...more }, who: WHO });
    await until('its first stage', async () => (await view(service))?.phase === 'watching');
    await followed();
  };
  let started = 0;
  const jobs = (service: Name, unit: string, count: number, answer: (nth: number) => object) =>
    Promise.all(
      Array.from({ length: count }, async (_, nth) => {
        const key = `job-${(started += 1)}`;
        const scripted = serviceOf(service);
        scripted.script(key, { submit: () => ({ ...DONE, ...answer(nth) }) });
        const job = await bench.playbook.start(scripted.integration, { text: 'x' }, { key, unit });
        return job.result();
      }),
    );

  it('takes a good service through its stages by itself, every job counted once', async () => {
    await begin('good');
    await expect(startRollout(bench.temporal, 'good', { plan: PLAN, who: WHO })).rejects.toMatchObject({
      code: 'INVALID_CHANGE',
    });
    await expect(commandRollout(bench.temporal, 'good', 'pause', { ...WHO, actor: ' ' })).rejects.toMatchObject({
      code: 'INVALID_CHANGE',
    });
    expect(await readControl(bench.temporal, 'good')).toMatchObject({ weightBps: 0, allow: ['internal'] });
    await jobs('good', 'internal', 40, () => ({}));
    await until('the second stage', async () => (await view('good'))?.stageIndex === 1, 30_000);
    await until('its weight', async () => (await readControl(bench.temporal, 'good')).weightBps === 10_000);
    await followed();
    await jobs('good', 'anyone', 40, () => ({}));
    const ended = await result('good');
    expect(ended.phase).toBe('done');
    const passes = ended.log.filter(({ verdict }) => verdict?.outcome === 'PASS');
    // A stage may pass before the last of its jobs has ended; none is ever counted twice.
    const counts = passes.flatMap(({ verdict }) => verdict?.watchers.map(({ promote }) => promote.n) ?? []);
    expect(counts).toHaveLength(4);
    expect(Math.max(...counts)).toBeLessThanOrEqual(40);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(5);
    await recordHistory(bench.temporal, rolloutWorkflowId('good'), 'rollout-done');
    await recordHistory(bench.temporal, rolloutWorkflowId('good'), 'rollout-told');
    await recordHistory(bench.temporal, 'good/job-1', 'job-in-a-rollout');
    const notice = `rollout-notice/good/${ended.id}/1`;
    expect(await bench.temporal.workflow.getHandle(notice).result()).toBe('unaddressed');
    await recordHistory(bench.temporal, notice, 'rollout-notice');
    await recordHistory(bench.temporal, integrationWorkflowId('good'), 'integration-leased');
    const control = await readControl(bench.temporal, 'good');
    expect(control).toMatchObject({ weightBps: 10_000, enabled: true });
    expect([control.lease, control.stage]).toEqual([undefined, undefined]);
    const changes = await readChanges(bench.temporal, 'good');
    expect(changes[0]).toMatchObject({
      what: 'weight 100 %',
      reason: expect.stringMatching(/^0 of \d+ jobs failed/),
    });
  }, 60_000);

  it('has the weight back within 5 s of the sample that decides, and names the watcher and its counts', async () => {
    await begin('failing');
    await jobs('failing', 'internal', 20, () => ({
      status: 'BROKEN',
      error: { code: 'x', message: 'y' },
    })).catch(() => undefined);
    const decidedMs = Date.now();
    await until(
      'the safe weight',
      async () => (await readControl(bench.temporal, 'failing')).allow.length === 0,
      5_000,
    );
    expect(Date.now() - decidedMs).toBeLessThan(5_000);
    const ended = await result('failing');
    expect(ended).toMatchObject({ phase: 'aborted', stageIndex: 0 });
    expect(ended.verdict?.watchers[0]).toMatchObject({ metric: 'errors', outcome: 'FAIL' });
    expect(ended.because).toMatch(/failed/);
    await startRollout(bench.temporal, 'failing', { plan: PLAN, who: WHO });
    await until('the next attempt', async () => (await view('failing'))?.attempt === 2);
    expect(await rollBack(bench.temporal, 'failing', WHO)).toBe(0);
  }, 60_000);

  it('aborts on a cost above the threshold, and tells the service to cancel the rest where the plan says so', async () => {
    await begin('dear', { onAbort: 'cancel' });
    // It runs at the service until it is told to stop.
    const endless = await bench.playbook.start(
      serviceOf('dear').integration,
      { text: 'x' },
      { key: 'endless', unit: 'internal' },
    );
    await endless.waitUntilAccepted();
    await jobs('dear', 'internal', 30, () => ({ cost: 80_000 }));
    const ended = await result('dear');
    expect(ended).toMatchObject({ phase: 'aborted' });
    expect(ended.verdict?.watchers[1]).toMatchObject({ metric: 'cost', outcome: 'FAIL' });
    expect(ended.because).toMatch(/ \d+ jobs? (was|were) told to cancel\.$/);
    expect((await endless.result()).state).toBe('CANCELED');
    await recordHistory(bench.temporal, rolloutWorkflowId('dear'), 'rollout-canceled-rest');
  }, 60_000);

  it('holds without traffic, pauses for a change by hand, and aborts by a signal', async () => {
    await expect(commandRollout(bench.temporal, 'idle', 'pause', WHO)).rejects.toMatchObject({
      code: 'INVALID_CHANGE',
    });
    await expect(signalAbort(bench.temporal, 'idle', WHO)).rejects.toMatchObject({ code: 'INVALID_CHANGE' });
    await expect(readRolloutLog(bench.temporal, 'idle')).rejects.toMatchObject({ code: 'INVALID_CHANGE' });
    await expect(rollBack(bench.temporal, 'idle', WHO)).rejects.toMatchObject({ code: 'INVALID_CHANGE' });
    expect(await view('idle')).toBeUndefined();
    await begin('idle');
    await new Promise((next) => setTimeout(next, 2_500));
    expect(await view('idle')).toMatchObject({ phase: 'watching', stageIndex: 0 });
    await changeControl(bench.temporal, 'idle', 'setWeight', { ...WHO, weightBps: 500 });
    await until('the pause', async () => (await view('idle'))?.phase === 'paused');
    expect((await view('idle'))?.because).toMatch(/^The control state was changed by hand: weight 5 % by ana/);
    await signalAbort(bench.temporal, 'idle', WHO);
    expect(await result('idle')).toMatchObject({ phase: 'aborted', because: 'a test' });
    await recordHistory(bench.temporal, rolloutWorkflowId('idle'), 'rollout-paused-and-aborted');
    const log = await readRolloutLog(bench.temporal, 'idle');
    expect(log.map(({ phase }) => phase)).toEqual(['applying', 'watching', 'paused', 'aborting', 'aborted']);
    expect(await readControl(bench.temporal, 'idle')).toMatchObject({ weightBps: 0 });
  }, 60_000);
});
