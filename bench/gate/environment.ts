import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { SEARCH_ATTRIBUTES } from '../../src/contracts/search-attributes.ts';
import { temporalBinary } from '../../src/provision/index.ts';
import type { Environment } from '../../test/gate/lab/lab.ts';

/** A Temporal server with its usual settings, and the workflows as a bundle. */
export interface BenchEnvironment extends Environment {
  readonly close: () => Promise<void>;
}

export async function startEnvironment(): Promise<BenchEnvironment> {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
  });
  const path = await temporalBinary();
  const env = await TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path },
      log: { format: 'json', level: 'never' },
      searchAttributes: Object.values(SEARCH_ATTRIBUTES),
    },
  });
  const folder = await mkdtemp(join(tmpdir(), 'playbook-gate-'));
  const bundle = join(folder, 'workflows.js');
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  await writeFile(bundle, code);
  return {
    client: env.client,
    address: env.address,
    namespace: 'default',
    bundle,
    close: async () => {
      await env.teardown();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
