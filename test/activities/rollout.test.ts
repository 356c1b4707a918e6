import { describe, expect, it } from '@jest/globals';
import { createRolloutActivities, type RolloutPorts } from '../../src/activities/rollout.ts';
import { INITIAL_CONTROL, type LeaseRenewal } from '../../src/contracts/control.ts';
import { PlaybookError } from '../../src/contracts/errors.ts';
import { changed, refusal } from '../../src/rules/control.ts';
import type { Collected, SampledJob } from '../../src/rules/rollout/collect.ts';
import { nothingCollected } from '../../src/rules/rollout/collect.ts';
import { markOf, type ApplyRequest, type WatchRequest } from '../../src/rules/rollout/messages.ts';
import { STAGE_DEFAULTS } from '../../src/rules/rollout/plan.ts';
import { RULE_VERSION } from '../../src/rules/slo/verdict.ts';
import { DEFAULT_WATCHERS } from '../../src/rules/slo/watchers.ts';
import { fakeContext, type FakeContext } from '../helpers/fake-context.ts';

const T0 = 1_800_000_000_000;
const STAGE = { ...STAGE_DEFAULTS, name: 'tenth', weightBps: 1_000, minSoakMs: 1_000 };

/** A world in which a second passes with each look. */
function lab(more: Partial<RolloutPorts> = {}, context: FakeContext = fakeContext()) {
  const world = {
    nowMs: T0,
    control: INITIAL_CONTROL,
    jobs: [] as SampledJob[],
    renewals: [] as LeaseRenewal[],
    canceled: [] as string[],
  };
  const activities = createRolloutActivities({
    readControl: async () => world.control,
    setWeight: async (_service, change) => (world.control = changed(world.control, 'setWeight', change, world.nowMs)),
    renewLease: async (_service, renewal) => void world.renewals.push(renewal),
    source: { read: async () => world.jobs },
    outage: async () => undefined,
    cancelJob: async (workflowId) => void world.canceled.push(workflowId),
    now: () => world.nowMs,
    sleep: async () => {
      world.nowMs += 1_000;
    },
    context: () => context,
    ...more,
  });
  return { it: world, activities, context };
}

function watch(more: Partial<WatchRequest> = {}): WatchRequest {
  return {
    service: 'docproc',
    id: 'r',
    stage: STAGE,
    watchers: DEFAULT_WATCHERS,
    enteredMs: T0,
    leaseMs: 90_000,
    guardOnly: false,
    routes: { 'r:tenth': 'live' },
    collected: nothingCollected(DEFAULT_WATCHERS),
    ...more,
  };
}

const jobs = (count: number, end: 'good' | 'bad'): SampledJob[] =>
  Array.from({ length: count }, (_, i) => ({
    workflowId: `docproc/${end}-${i}`,
    runId: `${end}-${i}`,
    stage: 'r:tenth',
    route: 'live',
    startedMs: T0 - 20_000 - i,
    finishedMs: T0 - 19_000,
    end,
    costMicros: 10_000,
  }));

describe('watching a stage', () => {
  it('answers that it passed once all watchers have evidence and the soak is over', async () => {
    const { it: world, activities } = lab();
    world.jobs = jobs(800, 'good');
    const answer = await activities.watchStage(watch());
    expect(answer).toMatchObject({ type: 'passed', verdict: { outcome: 'PASS', ruleVersion: RULE_VERSION } });
    expect(world.nowMs - T0).toBe(1_000);
    expect(world.renewals).toEqual([{ holder: 'r', untilMs: T0 + 90_000 }]);
  });

  it('stops a service that fails everything within 10 samples, also while only guarding', async () => {
    const { it: world, activities } = lab();
    world.jobs = jobs(10, 'bad');
    expect(await activities.watchStage(watch({ guardOnly: true }))).toMatchObject({
      type: 'failed',
      verdict: { reason: 'watcher-failed' },
    });
  });

  it('tells at once that samples cannot be read, and that they can be again', async () => {
    const world = lab({ source: { read: () => Promise.reject(new Error('visibility is down')) } });
    const blind = await world.activities.watchStage(watch());
    expect(blind).toMatchObject({ type: 'progress', verdict: { outcome: 'ERROR', reason: 'unreadable' } });
    expect(world.it.nowMs).toBe(T0);
    const seeing = lab();
    seeing.it.jobs = jobs(5, 'good');
    expect(await seeing.activities.watchStage(watch({ blind: true }))).toMatchObject({ type: 'progress' });
    expect(seeing.it.nowMs).toBe(T0);
  });

  it('holds while samples cannot be read, says so at its deadline, and renews its lease all the while', async () => {
    const { it: world, activities } = lab({
      source: { read: () => Promise.reject(new Error('visibility is down')) },
    });
    const answer = await activities.watchStage(watch({ blind: true, deadlineMs: T0 + 120_000 }));
    expect(answer).toMatchObject({
      type: 'deadline',
      verdict: { outcome: 'ERROR', because: 'The samples could not be read: visibility is down' },
    });
    expect(world.renewals.map(({ untilMs }) => untilMs - T0)).toEqual([90_000, 120_000, 150_000, 180_000, 210_000]);
  });

  it('holds without traffic, and says within an hour that nothing happened', async () => {
    const { it: world, activities } = lab();
    expect(await activities.watchStage(watch())).toMatchObject({
      type: 'progress',
      verdict: { action: 'hold', reason: 'no-samples' },
    });
    expect(world.nowMs - T0).toBe(3_600_000);
  });

  it('tells news after ten seconds', async () => {
    const { it: world, activities } = lab();
    world.jobs = jobs(5, 'good');
    expect(await activities.watchStage(watch())).toMatchObject({ type: 'progress' });
    expect(world.nowMs - T0).toBe(10_000);
  });

  it('holds rather than aborts while the service is down for everyone', async () => {
    const { it: world, activities } = lab({ outage: async () => ({ sinceMs: T0 - 60_000 }) });
    world.jobs = jobs(50, 'bad');
    expect(await activities.watchStage(watch())).toMatchObject({
      type: 'progress',
      verdict: { action: 'hold', reason: 'outage' },
    });
  });

  it('counts only jobs that went where its stage sends them, and a stage’s spending by its own limit', async () => {
    const { it: world, activities } = lab();
    world.jobs = jobs(60, 'bad').map((job) => ({ ...job, route: 'fallback' }));
    expect(await activities.watchStage(watch())).toMatchObject({ type: 'progress', verdict: { reason: 'no-samples' } });
    const spent = lab();
    spent.it.jobs = jobs(60, 'good');
    const stage = { ...STAGE, spendLimitMicros: 599_999 };
    expect(await spent.activities.watchStage(watch({ stage }))).toMatchObject({
      type: 'failed',
      verdict: { because: 'The stage spent $0.6, more than its limit of $0.599999.' },
    });
  });

  it('goes on from the last heartbeat of a worker that died, and counts nothing twice', async () => {
    const dying = lab();
    dying.it.jobs = jobs(60, 'good');
    await dying.activities.watchStage(watch());
    const heartbeatDetails = dying.context.heartbeats.at(-1)?.details as Collected;
    const next = lab({}, fakeContext({ heartbeatDetails }));
    next.it.nowMs = T0 + 10_000;
    next.it.jobs = jobs(800, 'good');
    const answer = await next.activities.watchStage(watch());
    expect(answer).toMatchObject({ type: 'passed' });
    if (answer.type !== 'passed') return;
    expect(answer.verdict.watchers.map(({ promote }) => promote.n)).toEqual([800, 800, 800]);
  });

  it('notices a weight that was changed behind its back, and by whom', async () => {
    const { it: world, activities } = lab();
    const mark = markOf(world.control);
    expect(await activities.watchStage(watch({ mark: '[]' }))).toEqual({
      type: 'changed',
      what: 'it is at revision 0',
    });
    world.control = changed(world.control, 'setWeight', { actor: 'bob', reason: 'why', weightBps: 5 }, T0);
    expect(await activities.watchStage(watch({ mark }))).toEqual({
      type: 'changed',
      what: 'weight 0.05 % by bob (why), revision 1',
    });
  });

  it('ends when it is canceled', async () => {
    const context = fakeContext();
    context.abort();
    await expect(lab({}, context).activities.watchStage(watch())).rejects.toThrow('The watch was canceled.');
  });
});

describe('setting weights', () => {
  const request: ApplyRequest = {
    service: 'docproc',
    holder: 'r',
    actor: 'rollout r',
    reason: 'start',
    weightBps: 1_000,
    allow: ['a'],
    watched: { stage: 'r:tenth', leaseMs: 60_000, safe: { weightBps: 0, allow: [] } },
    mark: markOf(INITIAL_CONTROL),
  };

  it('is one change with its lease, and repeated is none', async () => {
    const { it: world, activities } = lab();
    const first = await activities.applyStage(request);
    expect(world.control).toMatchObject({
      enabled: true,
      weightBps: 1_000,
      allow: ['a'],
      stage: 'r:tenth',
      revision: 1,
      lease: { holder: 'r', untilMs: T0 + 60_000, safeWeightBps: 0, safeAllow: [] },
    });
    expect(await activities.applyStage(request)).toEqual(first);
    expect(world.control.revision).toBe(1);
  });

  it('never replaces what somebody else set', async () => {
    const { it: world, activities } = lab();
    world.control = changed(world.control, 'disable', { actor: 'bob', reason: 'why' }, T0);
    world.control = changed(world.control, 'setWeight', { actor: 'bob', reason: 'why', weightBps: 7 }, T0);
    expect(await activities.applyStage(request)).toMatchObject({ type: 'changed' });
    expect(world.control.weightBps).toBe(7);
    const { mark: _any, watched: _no, ...final } = request;
    expect(await activities.applyStage(final)).toMatchObject({ type: 'applied' });
    expect(world.control.lease).toBeUndefined();
  });

  it('goes back to the safe weight before a stage that was about to be set, which then comes too late', async () => {
    let write = (): void => undefined;
    const delayed = new Promise<void>((resolve) => (write = resolve));
    const { it: world, activities } = lab({
      setWeight: async (_service, change) => {
        if (change.stage !== undefined) await delayed;
        const refused = refusal(world.control, 'setWeight', change);
        if (refused !== undefined) throw new PlaybookError(refused.code, refused.message);
        return (world.control = changed(world.control, 'setWeight', change, T0));
      },
    });
    const late = activities.applyStage(request);
    await activities.applySafe({ service: 'docproc', safe: { weightBps: 0, allow: [] }, actor: 'r', reason: 'why' });
    write();
    await expect(late).rejects.toMatchObject({ code: 'STALE_REVISION' });
    expect(world.control).toMatchObject({ weightBps: 0, allow: [], revision: 1 });
  });

  it('goes back to the safe weight, and is not content with a write that is not to be read', async () => {
    const { it: world, activities } = lab();
    const safe = { service: 'docproc', safe: { weightBps: 0, allow: [] }, actor: 'r', reason: 'why' };
    await activities.applyStage(request);
    await activities.applySafe(safe);
    expect(world.control).toMatchObject({ weightBps: 0, allow: [], revision: 2 });
    const deaf = lab({ setWeight: async () => INITIAL_CONTROL });
    await expect(deaf.activities.applySafe(safe)).rejects.toThrow(
      'The safe weight of docproc was set, and is not what is read: it is at revision 0',
    );
  });
});

describe('cancelling the rest', () => {
  const rest = { service: 'docproc', rollout: 'r' };
  const running = (nth: number, more: Partial<SampledJob> = {}): SampledJob => ({
    workflowId: `docproc/${nth}`,
    runId: `${nth}`,
    stage: 'r:tenth',
    route: 'live',
    startedMs: T0,
    ...more,
  });

  it('tells each unfinished job at the service once, stragglers included, and no other', async () => {
    const {
      it: world,
      activities,
      context,
    } = lab({
      sleep: async () => {
        world.nowMs += 1_000;
        if (world.nowMs === T0 + 2_000) world.jobs.push(running(4));
      },
    });
    world.jobs = [running(1), running(2, { route: 'fallback' }), running(3, { finishedMs: T0, end: 'good' })];
    expect(await activities.cancelRest(rest)).toBe(2);
    expect(world.canceled).toEqual(['docproc/1', 'docproc/4']);
    const next = lab({}, fakeContext({ heartbeatDetails: context.heartbeats.at(-1)?.details }));
    next.it.jobs = [running(1), running(5)];
    expect(await next.activities.cancelRest(rest)).toBe(3);
    expect(next.it.canceled).toEqual(['docproc/5']);
  });

  it('ends when it is canceled itself', async () => {
    const context = fakeContext();
    context.abort();
    await expect(lab({}, context).activities.cancelRest(rest)).rejects.toThrow('The cancellation was canceled.');
  });
});
