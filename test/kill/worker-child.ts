import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Stack } from '../helpers/stack.ts';
import { sharedAddress, workflowBundlePath } from '../helpers/temporal.ts';

const PROGRAM = fileURLToPath(new URL('processes/worker.ts', import.meta.url));

/** A worker process. */
export interface WorkerChild {
  readonly pid: number;
  /** `kill -9`; resolves once it is gone. Killing twice does no harm. */
  readonly kill: () => Promise<void>;
}

/** Starts a worker process for a stack and waits until it polls. */
export async function startWorkerChild(stack: Stack, configPath: string): Promise<WorkerChild> {
  await writeFile(configPath, stack.yaml);
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ...stack.env,
      KILL_ADDRESS: sharedAddress(),
      KILL_NAMESPACE: stack.namespace,
      // In a coverage run the shared bundle needs a sink that only a jest worker has, and ignores that it is missing.
      KILL_BUNDLE: workflowBundlePath(),
      KILL_CONFIG: configPath,
    },
  });
  const closed = once(child, 'close');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await closed;
  };
  const first = await Promise.race([once(child.stdout, 'data'), closed]);
  if (child.pid === undefined || !String(first[0]).includes('polling')) {
    throw new Error(`The worker process ended before it polled (${String(first[0])}).`);
  }
  return { pid: child.pid, kill };
}
