import { expect, it } from '@jest/globals';
import { readRollout, readRolloutLog, startRollout } from '../../src/client/index.ts';
import { PLAN_DEFAULTS, STAGE_DEFAULTS, type RolloutPlan } from '../../src/rules/rollout/plan.ts';
import { SERVICE } from '../gate/lab/gated.ts';
import { startLab, type Lab } from '../gate/lab/lab.ts';
import { connectToServer, sharedAddress, workflowBundlePath } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';
import { WHO } from '../rules/rollout/fixtures.ts';
import { TEST_NAMESPACES } from '../setup/test-namespaces.ts';

/** A stage is given as many jobs as it needs and no more, so that what it counts does not hang on when it looks. */
const JOBS = 30;
const WORKERS = 2;
const WITHIN_MS = 120_000;
const usual = {
  ...STAGE_DEFAULTS,
  minSamples: JOBS,
  minSoakMs: 10,
  confidence: { alpha: 0.05, beta: 0.3, phi: { floor: 1, ceiling: 1 } },
};
/** Not watched for latency: a job whose worker is killed does take longer. */
const PLAN: RolloutPlan = {
  ...PLAN_DEFAULTS,
  watchers: [
    { metric: 'errors', objective: 0.01, abort: 0.05 },
    { metric: 'cost', objectiveMicros: 20_000, abortMicros: 50_000, capMicros: 500_000 },
  ],
  stages: [
    { ...usual, name: 'beta', allow: ['internal'] },
    { ...usual, name: 'partners', allow: ['internal', 'partner'] },
    { ...usual, name: 'all', weightBps: 10_000 },
  ],
};

/** Walks a rollout through two good stages and a bad one; `at` may do something to the workers at each point. */
async function walk(namespace: string, at: (lab: Lab, point: string) => Promise<void>) {
  const server = await connectToServer(undefined, namespace);
  const { client } = server;
  const place = { client, namespace, address: sharedAddress(), bundle: workflowBundlePath() };
  const lab = await startLab({ ...place, cap: 100, workers: WORKERS });
  const view = async () => readRollout(client, SERVICE);
  const inStage = (index: number) => async () => {
    const now = await view();
    return now?.phase === 'watching' && now.stageIndex === index;
  };
  try {
    await startRollout(client, SERVICE, { plan: PLAN, who: WHO });
    await at(lab, 'its weight is being set');
    for (const [index, unit] of ['internal', 'partner'].entries()) {
      await until(`stage ${index}`, inStage(index), WITHIN_MS);
      await followed();
      await lab.startJobs(`a${index}`, JOBS / 2, () => unit);
      await at(lab, `half of the jobs of stage ${index} are under way`);
      await lab.startJobs(`b${index}`, JOBS / 2, () => unit);
      await until('a pass', async () => (await view())?.stageIndex === index + 1, WITHIN_MS);
      await at(lab, `stage ${index} has passed`);
    }
    await until('the last stage', inStage(2), WITHIN_MS);
    await followed();
    await lab.sandbox.faults({
      rules: ['/v3/jobs', '/v3/jobs/**'].map((path) => ({ kind: 'drift', path, status: 'FAILED' })),
    });
    // One by one, since the first that decides ends it.
    let failed = 0;
    for (; (await view())?.phase === 'watching'; failed += 1) {
      await lab.startJobs(`c${failed}`, 1, () => 'anyone');
      const isCounted = async () => {
        const now = await view();
        return now?.phase !== 'watching' || now.verdict?.watchers[0]?.promote.n === failed + 1;
      };
      await until(`failure ${failed + 1} to count`, isCounted, WITHIN_MS);
    }
    await at(lab, 'it is aborting');
    await until('its end', async () => (await view())?.phase === 'aborted', WITHIN_MS);
    const log = await readRolloutLog(client, SERVICE);
    return {
      failed,
      steps: log.map(({ phase, stage, weightBps, verdict }) => ({
        phase,
        stage,
        weightBps,
        watchers: verdict?.watchers.map(({ metric, outcome, promote, abort }) => ({ metric, outcome, promote, abort })),
      })),
      because: (await view())?.because,
    };
  } finally {
    await lab.close();
    await server.close();
  }
}

/** Workers look at the control state once a second. */
const followed = () => new Promise((next) => setTimeout(next, 1_200));

it('ends the same and has counted the same when every worker is killed with SIGKILL at any point', async () => {
  const killed: string[] = [];
  const killAll = async (lab: Lab, point: string): Promise<void> => {
    const workers = [...lab.workers.values()];
    for (const worker of workers) worker.signal('SIGKILL');
    await Promise.all(workers.map(({ ended }) => ended));
    await Promise.all(Array.from({ length: WORKERS }, () => lab.addWorker()));
    killed.push(point);
  };
  const [quiet, troubled] = await Promise.all([
    walk(TEST_NAMESPACES[2], async () => undefined),
    walk(TEST_NAMESPACES[3], killAll),
  ]);
  expect(killed).toHaveLength(6);
  expect(quiet.steps.map(({ phase, stage }) => `${phase} ${stage}`)).toEqual([
    ...['beta', 'partners', 'all'].flatMap((stage) => [`applying ${stage}`, `watching ${stage}`]),
    'aborting all',
    'aborted all',
  ]);
  const counted = quiet.steps.flatMap(({ watchers = [] }) => watchers.map(({ promote }) => promote.n));
  expect(counted).toContain(JOBS);
  expect(troubled).toEqual(quiet);
}, 600_000);
