import { rm } from 'node:fs/promises';
import type { SharedTestServer } from './shared-test-server.ts';

/** Stops what global setup started and removes what it wrote. */
export default async function globalTeardown(): Promise<void> {
  const started = (globalThis as SharedTestServer).playbookTestServer;
  await started?.env.teardown();
  if (started) await rm(started.folder, { recursive: true, force: true });
}
