import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkflowCoverage } from '@temporalio/nyc-test-coverage';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import type { BundleOptions } from '@temporalio/worker';
import { SEARCH_ATTRIBUTES } from '../../src/contracts/search-attributes.ts';
import { temporalBinaries } from '../../src/provision/index.ts';
import { bundleOptions } from '../../src/workers/bundles.ts';
import type { SharedTestServer } from './shared-test-server.ts';
import { TEST_NAMESPACES } from './test-namespaces.ts';

/**
 * One dev server and one workflow bundle for all `*.temporal.test.ts` files. They learn of them by environment variables, the
 * only thing that reaches jest's workers: see test/helpers/temporal.ts.
 */
export default async function globalSetup(): Promise<void> {
  // oxlint-disable-next-line no-console -- a download must not look like a hang
  const binaries = await temporalBinaries({ onProgress: (line) => console.error(line) });
  const [env, bundle] = await Promise.all([startServer(binaries.temporal), bundleWorkflowCode(testBundle())]);
  const folder = await mkdtemp(join(tmpdir(), 'playbook-test-'));
  const bundlePath = join(folder, 'workflow-bundle.js');
  await writeFile(bundlePath, bundle.code);

  process.env['TEST_TEMPORAL_ADDRESS'] = env.address;
  process.env['TEST_TEMPORAL_BIN'] = binaries.temporal;
  process.env['TEST_TEMPORAL_TEST_SERVER'] = binaries.testServer;
  process.env['TEST_WORKFLOW_BUNDLE'] = bundlePath;
  (globalThis as SharedTestServer).playbookTestServer = { env, folder };
}

const SETTINGS = [
  // Without it, a timer or a retry of 100 ms takes about a second.
  'history.timerProcessorMaxTimeShift="10ms"',
  // The one shard's queues are polled 20 times a second else: tests side by side would wait up to 50 ms for each of their tasks.
  'history.transferProcessorMaxPollRPS=500',
  'history.timerProcessorMaxPollRPS=500',
];

async function startServer(path: string): Promise<TestWorkflowEnvironment> {
  return TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path },
      log: { format: 'json', level: 'never' },
      searchAttributes: Object.values(SEARCH_ATTRIBUTES),
      extraArgs: [
        ...SETTINGS.flatMap((value) => ['--dynamic-config-value', value]),
        ...TEST_NAMESPACES.flatMap((name) => ['--namespace', name]),
      ],
    },
  });
}

/**
 * Rules and contracts have unit tests, which see their branches as they are written. The bundle's compiler lowers syntax and so
 * adds branches of its own, which would count as never taken.
 */
function instrumentingWorkflowsOnly(config: WebpackConfiguration): WebpackConfiguration {
  const rule = config.module?.rules?.at(-1);
  if (rule === undefined || rule === null || typeof rule !== 'object' || !Array.isArray(rule.exclude)) {
    throw new Error('The workflow coverage has another webpack rule than it had: see @temporalio/nyc-test-coverage.');
  }
  rule.exclude.push(/[/\\]src[/\\](rules|contracts)[/\\]/);
  return config;
}

type WebpackConfiguration = Parameters<NonNullable<BundleOptions['webpackConfigHook']>>[0];

function testBundle(): BundleOptions {
  const options: BundleOptions = { ...bundleOptions({ encrypting: false }), logger: new DefaultLogger('WARN') };
  if (process.env['WORKFLOW_COVERAGE'] !== '1') return options;
  (globalThis as { __coverage__?: object }).__coverage__ ??= {}; // WorkflowCoverage instruments nothing without it
  // What is preloaded is frozen, and with it the counters.
  const counting = { ...options, preloadModules: [], webpackConfigHook: instrumentingWorkflowsOnly };
  return new WorkflowCoverage().augmentBundleOptions(counting);
}
