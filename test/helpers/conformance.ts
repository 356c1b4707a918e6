import { fileURLToPath } from 'node:url';
import { afterAll, describe, it } from '@jest/globals';
import { conformance, loadSubject, registerConformance, writeReport } from '../../src/testing/index.ts';
import type { TemporalHost } from '../../src/testing/index.ts';
import { connectToServer, testNamespace, withWorkflowCoverage, workflowBundlePath } from './temporal.ts';
import type { TestServer } from './temporal.ts';

const INTEGRATIONS = fileURLToPath(new URL('../../integrations', import.meta.url));
/** Where reports of the matrices are kept. */
const REPORTS = fileURLToPath(new URL('../../.playbook/conformance', import.meta.url));

/** Registers the whole conformance matrix of a service, on one stack; its report is kept as `.playbook/conformance/<service>.json`. */
export async function conformanceTests(service: string): Promise<void> {
  let server: TestServer | undefined;
  const host = async (): Promise<TemporalHost> => {
    server = await connectToServer(undefined, testNamespace());
    return {
      client: server.client,
      connection: server.nativeConnection,
      namespace: testNamespace(),
      workflowBundle: { codePath: workflowBundlePath() },
      augment: withWorkflowCoverage,
    };
  };
  const subject = await loadSubject(service, { documents: INTEGRATIONS, code: INTEGRATIONS });
  const matrix = conformance(subject, host);
  afterAll(() => server?.close());
  registerConformance(matrix, { describe, it, afterAll }, async () => {
    await writeReport(matrix.report(), REPORTS);
  });
}
