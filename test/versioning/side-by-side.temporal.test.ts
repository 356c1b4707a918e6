import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import proto from '@temporalio/proto';
import pino from 'pino';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import { changeControl } from '../../src/client/index.ts';
import { integrationWorkflowId } from '../../src/contracts/control.ts';
import { createSecrets } from '../../src/definition/index.ts';
import { createServiceRuntime } from '../../src/workers/index.ts';
import { enable } from '../helpers/enable.ts';
import { runJobWorker } from '../helpers/job-worker.ts';
import { startDeployed } from '../cli/helpers/deployed.ts';
import type { Deployed } from '../cli/helpers/deployed.ts';
import type { Stack } from '../helpers/stack.ts';
import { connectToServer, unique, workflowBundlePath } from '../helpers/temporal.ts';
import type { TestServer } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';

const { VersioningBehavior, WorkflowTaskFailedCause } = proto.temporal.api.enums.v1;
const DEPLOYMENT = 'playbook';
let deployed: Deployed;
let stack: Stack;
let server: TestServer;
let folder: string;
let stop: () => Promise<void> = async () => undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'playbook-versions-'));
  // Polling begins after a second, and the work takes longer.
  deployed = await startDeployed(
    { TEMPORAL_DEPLOYMENT_NAME: DEPLOYMENT, TEMPORAL_WORKER_BUILD_ID: 'old' },
    { processing: { minMs: 6_000, maxMs: 6_000 } },
  );
  stack = deployed.stack;
  server = await connectToServer(undefined, stack.namespace);
});

afterAll(async () => {
  // What comes after in this namespace has no versions.
  await setCurrent('');
  await stop();
  await server.close();
  await deployed.close();
  await rm(folder, { recursive: true, force: true });
});

/** A worker of another version; the one of the old is a process of its own. */
async function startVersion(buildId: string, codePath: string): Promise<void> {
  const logger = pino({ level: 'silent' });
  const secrets = createSecrets({ env: stack.env });
  const runtime = createServiceRuntime({ integration: docproc, config: stack.config }, { secrets, logger });
  const version = { deploymentName: DEPLOYMENT, buildId };
  const workflowBundle = { codePath };
  const stopWorker = await runJobWorker(server.nativeConnection, stack.namespace, [runtime], {
    version,
    workflowBundle,
  });
  stop = async () => {
    await stopWorker();
    await runtime.close();
  };
}

/** What `temporal worker deployment set-current-version` asks for. */
async function setCurrent(buildId: string): Promise<void> {
  await server.client.workflowService.setWorkerDeploymentCurrentVersion({
    namespace: stack.namespace,
    deploymentName: DEPLOYMENT,
    buildId,
    identity: 'a test',
    ignoreMissingTaskQueues: buildId === '',
  });
}

async function promote(buildId: string): Promise<void> {
  await until(`version ${buildId} polls and is current`, () =>
    setCurrent(buildId).then(
      () => true,
      () => false,
    ),
  );
}

async function versionOf(workflowId: string): Promise<{ readonly build: string | null; readonly pinned: boolean }> {
  const { raw } = await server.client.workflow.getHandle(workflowId).describe();
  const info = raw.workflowExecutionInfo?.versioningInfo;
  return {
    build: info?.deploymentVersion?.buildId ?? null,
    pinned: info?.behavior === VersioningBehavior.VERSIONING_BEHAVIOR_PINNED,
  };
}

async function start(prefix: string) {
  const key = unique(prefix);
  return stack.playbook.start(docproc, await stack.document('note.txt', 'Grüße'), { key });
}

describe('old and new code side by side', () => {
  it('ends a job with the code it began with, begins new ones with the new code, and moves the control state over', async () => {
    await promote('old');
    await enable(server.client, ['docproc']);
    const first = await start('first');
    await until('the first job is at the service', async () => (await first.status()).state === 'PROCESSING');
    expect(await versionOf(first.workflowId)).toEqual({ build: 'old', pinned: true });

    // Code that a history of the old one does not replay on: an activity by another id.
    const newer = join(folder, 'newer.js');
    const code = readFileSync(workflowBundlePath(), 'utf8');
    const changed = code.replace(/const POLL_ACTIVITY = (["'])poll\1/, "const POLL_ACTIVITY = 'look'");
    expect(changed).not.toBe(code);
    writeFileSync(newer, changed);
    await startVersion('new', newer);
    await promote('new');
    const second = await start('second');

    expect(await first.result({ maxWaitMs: 40_000 })).toMatchObject({ state: 'COMPLETED' });
    expect(await second.result({ maxWaitMs: 40_000 })).toMatchObject({ state: 'COMPLETED' });
    expect(await versionOf(first.workflowId)).toEqual({ build: 'old', pinned: true });
    expect(await versionOf(second.workflowId)).toEqual({ build: 'new', pinned: true });
    const failures = async (workflowId: string): Promise<number> => {
      const { events } = await server.client.workflow.getHandle(workflowId).fetchHistory();
      // A task that a webhook overtook is repeated, too, and no harm.
      const nondeterministic = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR;
      return (events ?? []).filter((event) => event.workflowTaskFailedEventAttributes?.cause === nondeterministic)
        .length;
    };
    expect(await failures(first.workflowId)).toBe(0);
    expect(await failures(second.workflowId)).toBe(0);

    await changeControl(server.client, 'docproc', 'setWeight', {
      actor: 'a test',
      reason: 'to have the control state run',
      weightBps: 5_000,
    });
    expect(await versionOf(integrationWorkflowId('docproc'))).toEqual({ build: 'new', pinned: false });
  });
});
