import type { TestWorkflowEnvironment } from '@temporalio/testing';

/** How global setup hands over to global teardown: they share one `globalThis`; test files have another. */
export type SharedTestServer = typeof globalThis & {
  playbookTestServer?: { readonly env: TestWorkflowEnvironment; readonly folder: string };
};
