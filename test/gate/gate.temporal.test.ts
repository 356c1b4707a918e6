import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { NativeConnection, Worker } from '@temporalio/worker';
import pino from 'pino';
import { readHeldGate } from '../../src/client/held-gate.ts';
import { killGate, readGate, restoreGate } from '../../src/client/control.ts';
import { gateWorkflowId } from '../../src/contracts/control.ts';
import {
  CLOSE_GATE_SIGNAL,
  GATE_WORKFLOW,
  gateQueue,
  type GateInput,
  type GateTerm,
} from '../../src/contracts/gate.ts';
import type { Json } from '../../src/contracts/json.ts';
import { WORKFLOW_QUEUE } from '../../src/contracts/queues.ts';
import { createGateStateActivities } from '../../src/workers/gate/held-state.ts';
import { createGateActivities } from '../../src/workers/gate/hold-gate.ts';
import { connectToServer, createTestWorker, testNamespace, unique, type TestServer } from '../helpers/temporal.ts';
import { recordHistory } from '../helpers/histories.ts';
import { until } from '../helpers/until.ts';

const WHY = { actor: 'ada', reason: 'a test', atMs: 0, what: 'gate' };
const namespace = testNamespace();
let server: TestServer;
let stopWorkflows: () => Promise<void>;

beforeAll(async () => {
  server = await connectToServer(undefined, namespace);
  const worker = await createTestWorker({
    connection: server.nativeConnection,
    namespace,
    taskQueue: WORKFLOW_QUEUE,
    activities: { ...createGateStateActivities() },
  });
  const running = worker.run();
  stopWorkflows = async () => {
    worker.shutdown();
    await running;
  };
});
afterAll(async () => {
  await stopWorkflows();
  await server.close();
});

/** A holder whose term counts how often its lease was renewed and sends nothing. */
async function startHolder(service: string, isIdle = false) {
  let renewed = 0;
  const begun: (GateTerm | undefined)[] = [];
  const ended: string[] = [];
  const stopping = new AbortController();
  let mayLeave: () => boolean = () => false;
  const connection = await NativeConnection.connect({ address: process.env['TEST_TEMPORAL_ADDRESS'] ?? '' });
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: gateQueue(service),
    maxConcurrentActivityTaskExecutions: 1,
    activities: {
      ...createGateActivities({
        stopping: stopping.signal,
        logger: pino({ level: 'silent' }),
        beginTerm: async (options) => {
          begun.push(options.left);
          mayLeave = options.mayLeave;
          const before = (options.left?.state as { readonly terms: number } | undefined)?.terms ?? 0;
          const state: Json = { terms: before + 1 };
          return {
            snapshot: () => state,
            finalSnapshot: () => ({ ...state, last: true }),
            acknowledged: () => void (renewed += 1),
            isIdle: () => isIdle,
            end: async (because) => void ended.push(because),
            broken: new Promise<never>(() => undefined),
          };
        },
      }),
    },
  });
  const running = worker.run();
  return {
    begun,
    ended,
    renewed: () => renewed,
    mayLeave: () => mayLeave(),
    stop: async () => {
      stopping.abort();
      worker.shutdown();
      await running;
      await connection.close();
    },
  };
}

async function startGate(service: string, input: Partial<GateInput> = {}, taskQueue = WORKFLOW_QUEUE) {
  await server.client.workflow.start(GATE_WORKFLOW, {
    workflowId: gateWorkflowId(service),
    taskQueue,
    args: [{ service, ...input }],
    memo: { closed: null },
  });
  const handle = server.client.workflow.getHandle(gateWorkflowId(service));
  const isHeld = async () => (await readHeldGate(server.client, gateWorkflowId(service))).holder !== null;
  return { handle, isHeld };
}

/** Closes it in order: a kill replaces a workflow that does not answer within a second, which on a busy machine is any. */
async function closeGate(service: string): Promise<void> {
  await server.client.workflow.getHandle(gateWorkflowId(service)).signal(CLOSE_GATE_SIGNAL, WHY);
  await until('it is closed', async () => (await readGate(server.client, service)).closed !== null);
}

describe('the gate', () => {
  it('closes, and what its holder left goes to the next term when it is opened', async () => {
    const service = unique('closing');
    const { handle } = await startGate(service);
    const holder = await startHolder(service);
    await until('it is held', () => holder.begun.length === 1 && holder.mayLeave());
    expect(await readGate(server.client, service)).toEqual({ exists: true, closed: null });

    await closeGate(service);
    await until('the term has ended', () => holder.ended.includes('closed'));
    expect(holder.mayLeave()).toBe(false);
    expect((await readGate(server.client, service)).closed).toEqual(WHY);

    await restoreGate(server.client, service, WHY);
    await until('it is held again', () => holder.begun.length === 2);
    expect(holder.begun).toEqual([undefined, { state: { terms: 1, last: true }, orderly: true }]);
    await recordHistory(server.client, gateWorkflowId(service), 'gate-closed-and-opened');
    await handle.terminate();
    await holder.stop();
  });

  it('costs fewer heartbeats while there is nothing to send, and stays held', async () => {
    const renewedBy = async (isIdle: boolean): Promise<number> => {
      const service = unique('idle');
      const { handle } = await startGate(service);
      const holder = await startHolder(service, isIdle);
      await until('it is held', () => holder.begun.length === 1 && holder.mayLeave());
      const before = holder.renewed();
      await sleep(4_000);
      const renewed = holder.renewed() - before;
      expect(holder.begun).toHaveLength(1);
      expect(holder.ended).toEqual([]);
      await handle.terminate();
      await holder.stop();
      return renewed;
    };
    const [busy, idle] = await Promise.all([renewedBy(false), renewedBy(true)]);
    expect(idle).toBeGreaterThanOrEqual(2);
    expect(idle).toBeLessThan(busy);
  });

  it('goes to another process at once when its holder stops, with the state of that moment', async () => {
    const service = unique('handing-over');
    const { handle } = await startGate(service);
    const first = await startHolder(service);
    await until('it is held', () => first.begun.length === 1);
    const second = await startHolder(service);
    await first.stop();
    await until('the other holds it', () => second.begun.length === 1, 5_000);
    expect(first.ended[0]).toBe('stopping');
    expect(second.begun).toEqual([{ state: { terms: 1, last: true }, orderly: true }]);
    await recordHistory(server.client, gateWorkflowId(service), 'gate-handed-over');
    await handle.terminate();
    await second.stop();
  });

  it('carries state and closure over a continue-as-new', async () => {
    const service = unique('continued');
    const { handle } = await startGate(service, { termsPerRun: 1 });
    const { runId } = await handle.describe();
    const holder = await startHolder(service);
    await until('it is held', () => holder.begun.length === 1);
    await closeGate(service);
    await until('it has a new run', async () => (await handle.describe()).runId !== runId);
    expect((await readGate(server.client, service)).closed).toEqual(WHY);
    expect(holder.begun).toHaveLength(1);
    await restoreGate(server.client, service, WHY);
    await until('it is held again', () => holder.begun.length === 2);
    expect(holder.begun[1]).toEqual({ state: { terms: 1, last: true }, orderly: true });
    await handle.terminate();
    await holder.stop();
  });

  it('is shut by force even so that its holder is never told: the lease is refused, and a new gate is closed from the start', async () => {
    const service = unique('forced');
    const { isHeld } = await startGate(service);
    const holder = await startHolder(service);
    const said = async () => (await readHeldGate(server.client, gateWorkflowId(service))).state;
    await until('its state is known', async () => holder.mayLeave() && (await said()) !== null);
    await killGate(server.client, service, WHY, { force: true });
    await until('nothing may leave', () => !holder.mayLeave(), 2_000);
    await until('the holder knows why', () => holder.ended.includes('superseded'));
    expect((await readGate(server.client, service)).closed).toEqual(WHY);
    expect(await isHeld()).toBe(false);

    await restoreGate(server.client, service, WHY);
    await until('it is held again', () => holder.begun.length === 2);
    expect(holder.begun[1]).toEqual({ state: { terms: 1 }, orderly: false });
    await server.client.workflow.getHandle(gateWorkflowId(service)).terminate();
    await holder.stop();
  });

  it('is shut within two seconds though none of its workflow tasks is taken, and keeps what its holder last said', async () => {
    const service = unique('unattended');
    const taskQueue = unique('workflows');
    const workflows = await createTestWorker({
      connection: server.nativeConnection,
      namespace,
      taskQueue,
      activities: { ...createGateStateActivities() },
    });
    const running = workflows.run();
    await startGate(service, {}, taskQueue);
    const holder = await startHolder(service);
    const said = async () => (await readHeldGate(server.client, gateWorkflowId(service))).state;
    await until('its state is known', async () => holder.mayLeave() && (await said()) !== null);
    workflows.shutdown();
    await running;

    const startMs = performance.now();
    expect(await killGate(server.client, service, WHY)).toBe('replaced');
    await until('nothing may leave', () => !holder.mayLeave());
    expect(performance.now() - startMs).toBeLessThan(2_000);
    expect((await readGate(server.client, service)).closed).toEqual(WHY);

    await restoreGate(server.client, service, WHY);
    await until('it is held again', () => holder.begun.length === 2);
    expect(holder.begun[1]).toEqual({ state: { terms: 1 }, orderly: false });
    await server.client.workflow.getHandle(gateWorkflowId(service)).terminate();
    await holder.stop();
  });

  it('keeps what the last term left when it is replaced while it is closed, as often as that is', async () => {
    const service = unique('replaced');
    await startGate(service);
    const holder = await startHolder(service);
    await until('it is held', () => holder.begun.length === 1 && holder.mayLeave());
    await closeGate(service);
    const isLeft = async () => (await readHeldGate(server.client, gateWorkflowId(service))).left?.orderly === true;
    await until('the term has ended', isLeft);
    expect(await killGate(server.client, service, WHY, { force: true })).toBe('replaced');
    expect(await killGate(server.client, service, WHY, { force: true })).toBe('replaced');
    await restoreGate(server.client, service, WHY);
    await until('it is held again', () => holder.begun.length === 2);
    expect(holder.begun[1]).toEqual({ state: { terms: 1, last: true }, orderly: true });
    await server.client.workflow.getHandle(gateWorkflowId(service)).terminate();
    await holder.stop();
  });

  it('does not exist where nobody has started it, and can be shut before anybody does', async () => {
    const service = unique('absent');
    expect(await readGate(server.client, service)).toEqual({ exists: false, closed: null });
    await killGate(server.client, service, WHY, { force: true });
    expect(await readGate(server.client, service)).toEqual({ exists: true, closed: WHY });
    await server.client.workflow.getHandle(gateWorkflowId(service)).terminate();
  });
});
