import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changeControl, killGate, readControl, restoreGate } from '../../src/client/control.ts';
import { readHeldGate } from '../../src/client/held-gate.ts';
import { gateWorkflowId } from '../../src/contracts/control.ts';
import { connectToServer, testNamespace, workflowBundlePath, type TestServer } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';
import { gated, SERVICE } from './lab/gated.ts';
import { BECAUSE, startLab, type Lab } from './lab/lab.ts';
import { startLoadGenerator, type LoadGenerator } from './lab/load.ts';
import { traffic } from './lab/sandbox.ts';

const CAP = 20;
const SUBMITS = 320;
const address = process.env['TEST_TEMPORAL_ADDRESS'] ?? '';
let server: TestServer;
let lab: Lab;
let load: LoadGenerator;

beforeAll(async () => {
  const namespace = testNamespace();
  server = await connectToServer(address, namespace);
  const { client } = server;
  lab = await startLab({ client, address, namespace, bundle: workflowBundlePath(), cap: CAP, workers: 3 });
  load = await startLoadGenerator(client, address, namespace);
  await lab.newHolder();
  await load.add('processes', { service: SERVICE, count: SUBMITS, unit: 'unit' }, 1);
  await until('requests leave', async () => (await lab.sandbox.requests()).length > CAP);
});
afterAll(async () => {
  await lab.close();
  await load.close();
  await server.close();
});

/** How long after `fromMs` requests left again, once the longest pause since then was over. */
async function resumedMs(fromMs: number, watchMs: number): Promise<number> {
  await sleep(fromMs + watchMs - Date.now());
  const times = (await lab.sandbox.requests()).map(({ at }) => at);
  const gaps = times.map((at, index) => ({ at, gapMs: at - (times[index - 1] ?? at) })).filter(({ at }) => at > fromMs);
  return gaps.reduce((most, each) => (each.gapMs > most.gapMs ? each : most), { at: Infinity, gapMs: 0 }).at - fromMs;
}

describe('several processes, a strict service and a backlog', () => {
  it('go on at once when the holder is asked to stop', async () => {
    const holder = await lab.newHolder();
    const atMs = Date.now();
    holder.signal('SIGTERM');
    expect(await resumedMs(atMs, 5_000)).toBeLessThan(5_000);
    await holder.ended;
  });

  it('go on within seconds when the holder is killed', async () => {
    const holder = await lab.newHolder();
    const atMs = Date.now();
    holder.signal('SIGKILL');
    expect(await resumedMs(atMs, 6_000)).toBeLessThan(6_000);
    expect((await lab.newHolder(holder)).pid).not.toBe(holder.pid);
  });

  it('send nothing after the kill switch, not even the holder that was frozen then, and all of it once restored', async () => {
    const frozen = await lab.newHolder();
    expect(traffic(await lab.sandbox.requests()).jobs).toBeLessThan(SUBMITS);
    frozen.signal('SIGSTOP');
    await sleep(300);
    await killGate(server.client, SERVICE, BECAUSE);
    const killedMs = Date.now();
    await sleep(3_500);
    frozen.signal('SIGCONT');
    await sleep(1_500);
    const late = (await lab.sandbox.requests()).filter(({ at }) => at > killedMs + 2_000);
    expect(late).toEqual([]);

    await restoreGate(server.client, SERVICE, BECAUSE);
    await server.client.workflow.getHandle('processes-0').result();
    const { refused, worstSecond, duplicates, jobs } = traffic(await lab.sandbox.requests());
    expect({ refused, duplicates, jobs }).toEqual({ refused: 0, duplicates: 0, jobs: SUBMITS });
    expect(worstSecond).toBeLessThanOrEqual(CAP);
  });

  it('spend no more than the budget though the holder is killed, say what is held, and finish once it is raised', async () => {
    const { client } = server;
    const made = async () => traffic(await lab.sandbox.requests()).jobs;
    const price = gated.cost.perJobMicros;
    const spentNow = async () =>
      ((await readHeldGate(client, gateWorkflowId(SERVICE))).state as unknown as Held).view.costs.totalMicros;
    // What is known of it is as old as the last heartbeat.
    let spent = await spentNow();
    for (let before = -1; before !== spent; spent = await spentNow()) {
      before = spent;
      await sleep(1_500);
    }
    const before = await made();
    const setBudget = async (dailyMicros: number) =>
      changeControl(client, SERVICE, 'setBudget', { actor: 'lab', reason: 'a test', budget: { dailyMicros } });
    await setBudget(spent + 15 * price);
    await until(
      'the budget is known',
      async () => (await readControl(client, SERVICE)).budget.dailyMicros !== undefined,
    );
    await sleep(2_200);
    const starting = lab.startJobs('budget', 25);
    await until('some of it is spent', async () => (await made()) >= before + 4);
    const holder = await lab.newHolder();
    holder.signal('SIGKILL');
    await Promise.all([starting, lab.addWorker()]);
    const isHeld = async () => {
      const { state } = await readHeldGate(client, gateWorkflowId(SERVICE));
      return (state as unknown as Held | null)?.view.submitsHeld?.startsWith('The daily budget is spent') === true;
    };
    await until('the rest is visibly held', isHeld, 20_000);
    await sleep(1_000);
    const submitted = (await made()) - before;
    expect(submitted).toBeGreaterThanOrEqual(4);
    expect(submitted).toBeLessThanOrEqual(15);

    await setBudget(spent + 200 * price);
    await until('all jobs are done', async () => (await lab.countJobs('budget', 'Completed')) === 25, 100_000);
    const { refused, duplicates, jobs } = traffic(await lab.sandbox.requests());
    expect({ refused, duplicates, jobs }).toEqual({ refused: 0, duplicates: 0, jobs: before + 25 });
  }, 180_000);
});

/** What an operator reads in the holder's heartbeat. */
interface Held {
  readonly view: { readonly submitsHeld?: string; readonly costs: { readonly totalMicros: number } };
}
