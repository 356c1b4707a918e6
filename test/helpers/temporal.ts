import { randomUUID } from 'node:crypto';
import { afterAll } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { WorkflowCoverage } from '@temporalio/nyc-test-coverage';
import { temporal } from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { WorkerOptions } from '@temporalio/worker';
import { SEARCH_ATTRIBUTES } from '../../src/contracts/search-attributes.ts';
import { TEST_NAMESPACES } from '../setup/test-namespaces.ts';

const { IndexedValueType } = temporal.api.enums.v1;

// Quiet: what a test provokes on purpose is not news.
Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
});

const coverage = new WorkflowCoverage();

afterAll(() => {
  const scope = globalThis as { __coverage__?: unknown };
  if (scope.__coverage__ === undefined) return; // a run without coverage
  coverage.mergeIntoGlobalCoverage();
  scope.__coverage__ = JSON.parse(JSON.stringify(scope.__coverage__)); // jest takes own properties only
});

/** A name no other test has, e.g. for a task queue or a workflow id. */
export function unique(prefix: string): string {
  return `${prefix}-${randomUUID()}`;
}

/** The namespace of this jest worker on the shared dev server: no file that runs at the same time uses it. */
export function testNamespace(): string {
  const worker = Number(process.env['JEST_WORKER_ID'] ?? '1');
  return TEST_NAMESPACES[(worker - 1) % TEST_NAMESPACES.length] ?? 'default';
}

/** The dev server all `*.temporal.test.ts` files share. */
export function sharedAddress(): string {
  return fromSetup('TEST_TEMPORAL_ADDRESS');
}

/** The `temporal` executable, for tests that start a server of their own. */
export function temporalPath(): string {
  return fromSetup('TEST_TEMPORAL_BIN');
}

/** The prebuilt bundle of `src/workflows/index.ts`; in a coverage run the instrumented one. */
export function workflowBundlePath(): string {
  return fromSetup('TEST_WORKFLOW_BUNDLE');
}

/** A client and a worker's connection to one server. */
export interface TestServer {
  readonly client: Client;
  readonly nativeConnection: NativeConnection;
  /** Closes both; every worker must have stopped. */
  readonly close: () => Promise<void>;
}

/** Connects to the shared dev server, or to another one by its address. */
export async function connectToServer(
  address: string = sharedAddress(),
  namespace: string = 'default',
): Promise<TestServer> {
  const [connection, nativeConnection] = await Promise.all([
    Connection.connect({ address }),
    NativeConnection.connect({ address }),
  ]);
  const close = async (): Promise<void> => {
    await Promise.all([connection.close(), nativeConnection.close()]);
  };
  return { client: new Client({ connection, namespace }), nativeConnection, close };
}

/** A time-skipping server of its own: not to be shared by tests that run at once. `env.teardown()` when done. */
export async function createTimeSkippingEnvironment(): Promise<TestWorkflowEnvironment> {
  const path = fromSetup('TEST_TEMPORAL_TEST_SERVER');
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
  const types = { KEYWORD: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD, INT: IndexedValueType.INDEXED_VALUE_TYPE_INT };
  await env.connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: Object.fromEntries(Object.values(SEARCH_ATTRIBUTES).map(({ name, type }) => [name, types[type]])),
  });
  return env;
}

/** Makes a worker's workflow code count in a coverage run. */
export function withWorkflowCoverage(options: WorkerOptions): WorkerOptions {
  const { workflowBundle } = options;
  return workflowBundle === undefined
    ? options
    : coverage.augmentWorkerOptionsWithBundle({ ...options, workflowBundle });
}

/** Worker options without those {@link createTestWorker} sets. */
type TestWorkerOptions = Omit<WorkerOptions, 'workflowBundle' | 'workflowsPath'>;

/** A worker with the prebuilt bundle, whose workflow code counts in a coverage run. Run it with `worker.runUntil(…)`. */
export async function createTestWorker(options: TestWorkerOptions): Promise<Worker> {
  const workflowBundle = { codePath: workflowBundlePath() };
  return Worker.create(coverage.augmentWorkerOptionsWithBundle({ ...options, workflowBundle }));
}

function fromSetup(variable: string): string {
  const value = process.env[variable];
  if (value === undefined) throw new Error(`${variable} is not set: name the file *.temporal.test.ts`);
  return value;
}
