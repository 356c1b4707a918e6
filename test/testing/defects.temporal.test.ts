import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { z } from 'zod';
import { conformance, loadSubject } from '../../src/testing/index.ts';
import type { Conformance } from '../../src/testing/index.ts';
import { connectToServer, testNamespace, withWorkflowCoverage, workflowBundlePath } from '../helpers/temporal.ts';
import type { TestServer } from '../helpers/temporal.ts';

const INTEGRATIONS = fileURLToPath(new URL('../../integrations', import.meta.url));

describe('the matrix of a definition that is wrong', () => {
  let server: TestServer;
  let matrix: Conformance;
  beforeAll(async () => {
    server = await connectToServer(undefined, testNamespace());
    const subject = await loadSubject('wavescan', { documents: INTEGRATIONS, code: INTEGRATIONS });
    const { integration } = subject;
    const { withdrawn: _withdrawn, ...states } = integration.states;
    // It does not know a word and a field.
    const response = (integration.status.response as z.ZodObject).omit({ changed: true });
    const wrong = { ...integration, states, status: { ...integration.status, response } };
    matrix = conformance(
      { ...subject, integration: wrong },
      async () => ({
        client: server.client,
        connection: server.nativeConnection,
        namespace: testNamespace(),
        workflowBundle: { codePath: workflowBundlePath() },
        augment: withWorkflowCoverage,
      }),
      { ids: ['U3', 'C1', 'X3', 'H1'] },
    );
  });
  afterAll(async () => {
    await matrix.close();
    await server.close();
  });

  const run = (id: string): Promise<void> => matrix.cases.find((one) => one.id === id)?.run() ?? Promise.resolve();

  it.each([
    ['U3', /^schemas\/job-response-v2\.1\.0\.json is out of date: npm run schemas$/],
    ['C1', /^fields that no schema knows: expected \[\], got \[.*"poll response: changed"/],
    ['X3', /wavescan reports status "withdrawn"/],
  ])('%s fails and says why', async (id, message) => {
    await expect(run(id)).rejects.toThrow(message);
    expect(matrix.report().rows.find((row) => row.id === id)).toMatchObject({
      status: 'failed',
      why: expect.stringMatching(message),
    });
  });

  it('passes where the definition is right', async () => {
    await expect(run('H1')).resolves.toBeUndefined();
  });

  it('names what no row has exercised', () => {
    expect(() => matrix.checkCoverage()).toThrow(
      /^Not everything the definition says was exercised: .*transition CREATED → CANCELED/,
    );
    expect(matrix.report().coverage?.percent).toBeLessThan(100);
  });
});
