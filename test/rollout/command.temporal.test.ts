import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { playbook, testIo } from '../cli/helpers/test-io.ts';
import { readControl } from '../../src/client/index.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { startJobBench, type JobBench } from '../helpers/job-worker.ts';
import { scriptedService } from '../helpers/scripted.ts';
import { sharedAddress } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';

const PLAN = `
stages:
  - { name: beta, allow: [internal], approval: true, minSoak: 1s }
  - { name: all, weightBps: 10000 }
`;

describe('playbook rollout', () => {
  let bench: JobBench;
  let folder: string;
  let env: Record<string, string>;
  beforeAll(async () => {
    bench = await startJobBench([scriptedService({ service: 'docproc' }).runtime]);
    folder = await mkdtemp(join(tmpdir(), 'playbook-rollout-'));
    await writeFile(join(folder, 'plan.yaml'), PLAN);
    env = {
      TEMPORAL_ADDRESS: sharedAddress(),
      TEMPORAL_NAMESPACE: bench.temporal.options.namespace,
      TEMPORAL_CONFIG_FILE: join(folder, 'none.toml'),
      PLAYBOOK_HOME: join(folder, 'home'),
    };
  });
  afterAll(async () => {
    await bench.close();
    await rm(folder, { recursive: true, force: true });
  });

  const call = (...argv: string[]) => playbook(['rollout', ...argv], { env, cwd: folder });
  const why = ['--reason', 'a test', '--actor', 'ana'];
  const phase = async (): Promise<unknown> =>
    (JSON.parse((await call('status', 'docproc', '--json')).out) as { phase: string }).phase;

  it('shows a plan with what its stages need, and that they do not certify the objective', async () => {
    const { code, out } = await call('plan', 'docproc');
    expect(code).toBe(0);
    expect(out).toMatch(
      /^STAGE +ROUTE +WHO +SAMPLES +TAKES +DEADLINE +APPROVAL\ndev-sandbox +fallback +0 % +405 +.+ +14 d\n/,
    );
    expect(out).toContain('0 % + 1 unit');
    expect(out).toMatch(/^At \d+ jobs in the last 24 h\. /m);
    expect(out).toContain('Every stage: Too small to certify an error rate below 1 %');
    expect(out).toContain(
      'An abort goes back to 0 %; jobs at the service finish, those not sent yet are admitted anew.',
    );
    expect(out).toMatch(/^(Every stage|internal-beta.*): No traffic: the stage will hold until its deadline\.$/m);
    const json = JSON.parse((await call('plan', 'docproc', '--plan', 'plan.yaml', '--json')).out) as {
      stages: unknown[];
    };
    expect(json.stages).toHaveLength(3);
  });

  it('starts, is told what to do, says how it stands and what happened, and goes back', async () => {
    expect((await call('status', 'docproc')).err).toContain('There has been no rollout of docproc.');
    expect((await call('start', 'docproc', '--plan', 'plan.yaml', ...why)).out).toContain('has started');
    await until('its weight', async () => (await phase()) === 'watching');
    const paused = await call('pause', 'docproc', ...why);
    expect(paused.out).toMatch(/\*\*paused\*\* \(revision 3, in this stage for .*\): a test/);
    const stale = await call('resume', 'docproc', ...why, '--expect-revision', '1');
    expect(stale.err).toContain('STALE_REVISION: The rollout is at revision 3, not 1.');
    expect((await call('resume', 'docproc', ...why, '--json')).out).toContain('"phase":"applying"');
    await until('its weight again', async () => (await phase()) === 'watching');
    expect((await call('approve', 'docproc', ...why)).code).toBe(0);
    expect((await call('promote', 'docproc', ...why)).out).toContain('▶ all (100 %)');
    await until('the next weight', async () => (await phase()) === 'watching');
    expect((await call('weight', 'docproc', '101%', ...why)).err).toContain('BAD_USAGE');
    expect((await call('weight', 'docproc', '20%', ...why)).out).toContain('**applying**');
    await until('the weight set by hand', async () => (await phase()) === 'paused');
    expect((await readControl(bench.temporal, 'docproc')).weightBps).toBe(2_000);
    await call('resume', 'docproc', ...why);
    await until('its own weight', async () => (await phase()) === 'watching');

    const io = testIo({ env, cwd: folder, columns: 200 });
    const watching = runCli(['rollout', 'status', 'docproc', '--watch'], io);
    await io.sees('▶ all (100 %)');
    expect((await call('abort', 'docproc', ...why)).out).toContain('**aborting**');
    expect(await watching).toBe(0);
    expect(io.out()).toContain('**aborted**');

    const history = await call('history', 'docproc');
    expect(history.out).toMatch(/^WHEN +STAGE +PHASE +WHO +WHY\n/);
    expect(history.out).toMatch(/ beta +paused +ana +a test\n/);
    const steps = (await call('history', 'docproc', '--json')).out.trim().split('\n');
    expect(JSON.parse(steps.at(-1) ?? '')).toMatchObject({ service: 'docproc', phase: 'aborted', stage: 'all' });

    expect((await call('retry', 'docproc', ...why, '--expect-revision', '1')).err).toContain('STALE_REVISION');
    const retried = await call('retry', 'docproc', '--plan', 'plan.yaml', '--json', ...why);
    expect(JSON.parse(retried.out)).toEqual({ service: 'docproc', started: true });
    await until('its weight', async () => (await phase()) === 'watching');
    expect((await call('retry', 'docproc', ...why)).err).toContain('Only an aborted rollout can be retried.');
    expect((await call('abort', 'docproc', '--no-wait', ...why)).out).toContain('is told to abort');
    await until('its end', async () => (await phase()) === 'aborted');
    expect(JSON.parse((await call('start', 'docproc', '--rollback', '--json', ...why)).out)).toEqual({
      service: 'docproc',
      weightBps: 0,
    });
    expect((await call('start', 'docproc', '--rollback', ...why)).out).toContain('is back at what held');
    await until('no phase but the end', async () => (await phase()) === 'aborted');
  }, 60_000);
});
