import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readControl, readRollout, signalAbort, startRollout } from '../../src/client/index.ts';
import { DEFAULT_PLAN, type RolloutPlan } from '../../src/rules/rollout/plan.ts';
import { terminateAll } from '../helpers/job-worker.ts';
import { connectToServer, testNamespace, withWorkflowCoverage, workflowBundlePath } from '../helpers/temporal.ts';
import type { TestServer } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';
import { abortedAfterMs, drive } from './lab/drive.ts';
import { startLab, type Lab } from './lab/lab.ts';

/** The default plan with its own stages and watchers. Time is short, and so is evidence: about sixty jobs a stage instead of 405. */
const PLAN: RolloutPlan = {
  ...DEFAULT_PLAN,
  bakeMs: 2_000,
  stages: DEFAULT_PLAN.stages.map((stage) => ({
    ...stage,
    minSamples: 30,
    minSoakMs: 1_000,
    deadlineMs: 600_000,
    quietMs: 2_000,
    confidence: { alpha: 0.1, beta: 0.1, phi: { floor: 1, ceiling: 1 } },
  })),
};
const EARLY = ['dev-sandbox', 'internal-beta', '1-percent'];
const STAGES = [...DEFAULT_PLAN.stages.map(({ name }) => name), 'bake'];

describe('the default plan, against the sandbox and its faults', () => {
  let server: TestServer;
  let lab: Lab;
  beforeAll(async () => {
    server = await connectToServer(undefined, testNamespace());
    lab = await startLab(
      {
        client: server.client,
        nativeConnection: server.nativeConnection,
        namespace: testNamespace(),
        bundle: workflowBundlePath(),
        augment: withWorkflowCoverage,
      },
      ['good', 'failing', 'slow', 'dear', 'idle'],
      ['good'],
    );
  });
  afterAll(async () => {
    await terminateAll(server.client);
    await lab.close();
    await server.close();
  });

  it('takes a good service through all stages by itself, and holds while visibility is down', async () => {
    const driven = await drive(lab, {
      service: 'good',
      plan: PLAN,
      perSecond: 12,
      mostJobs: 1_500,
      onStage: async (stage) => {
        if (stage !== '10-percent') return;
        lab.blind(true);
        await until('it to say so', async () => {
          const because = (await readRollout(lab.client, 'good'))?.because;
          return because === 'The samples could not be read: visibility is down';
        });
        expect(await readControl(lab.client, 'good')).toMatchObject({ weightBps: 1_000 });
        lab.blind(false);
      },
    });
    const { view, log, started, ended, jobs } = driven;
    expect(view).toMatchObject({ phase: 'done', because: 'Every stage has passed.' });
    const passes = log.filter(({ verdict, phase }) => phase === 'applying' && verdict?.outcome === 'PASS');
    expect(passes.map(({ stage }) => stage)).toEqual([...STAGES.slice(1), 'bake']);
    expect(ended).toBe(started);
    expect(await readControl(lab.client, 'good')).toMatchObject({ weightBps: 10_000, enabled: true });
    // A stage never counts more jobs than there were in it.
    passes.forEach(({ verdict }, index) => {
      const inStage = jobs.filter(({ stage }) => stage.endsWith(`:${STAGES[index]}`)).length;
      for (const { promote } of verdict?.watchers ?? []) {
        expect(promote.n).toBeGreaterThanOrEqual(30);
        expect(promote.n).toBeLessThanOrEqual(inStage);
      }
    });
  }, 400_000);

  it.each([
    ['failing', 'errors', 40, { kind: 'drift', method: 'POST', path: '/v3/jobs', rate: 0.08, status: 'FAILED' }],
    ['slow', 'latency', 6, { kind: 'latency', method: 'POST', path: '/v3/jobs', ms: 12_000, at: 'after' }],
    ['dear', 'cost', 12, { kind: 'drift', path: '/v3/jobs/**', add: { cost_micros: 80_000 } }],
  ] as const)(
    'aborts a service that is %s from the 10 %% stage on for its %s, within 5 s, and loses nothing',
    async (service, metric, perSecond, rule) => {
      const { faults } = lab.service(service);
      const driven = await drive(lab, {
        service,
        plan: PLAN,
        perSecond,
        mostJobs: 400,
        promoted: EARLY,
        onStage: async (stage) => {
          if (stage === '10-percent') await faults([rule]);
        },
      });
      const { view, log, started, ended } = driven;
      expect(view).toMatchObject({ phase: 'aborted', stageIndex: 3 });
      const verdict = log.find(({ phase }) => phase === 'aborting')?.verdict;
      expect(verdict?.watchers.filter(({ outcome }) => outcome === 'FAIL').map((watcher) => watcher.metric)).toEqual([
        metric,
      ]);
      const control = await readControl(lab.client, service);
      expect(control).toMatchObject({ weightBps: 0, allow: [] });
      expect([control.lease, control.stage]).toEqual([undefined, undefined]);
      expect(abortedAfterMs(driven, metric, 10_000)).toBeLessThan(5_000);
      expect(ended).toBe(started);
    },
    200_000,
  );

  it('holds without traffic, and says so', async () => {
    await startRollout(lab.client, 'idle', { plan: PLAN, who: { actor: 'ana', reason: 'a test' } });
    await until('it to say so', async () => {
      const view = await readRollout(lab.client, 'idle');
      return view?.because.startsWith('No sample for ') === true && view.phase === 'watching';
    });
    expect(await readRollout(lab.client, 'idle')).toMatchObject({ stageIndex: 0, verdict: { action: 'hold' } });
    await signalAbort(lab.client, 'idle', { actor: 'ana', reason: 'enough' });
    await until('its end', async () => (await readRollout(lab.client, 'idle'))?.phase === 'aborted');
  }, 60_000);
});
