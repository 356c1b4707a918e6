import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setRetention } from '../../../src/cli/compose/setup.ts';
import { freePort } from '../../../src/embedded/ports.ts';
import { defaultClient } from '../../../src/sandbox/index.ts';
import type { SandboxOptions } from '../../../src/sandbox/index.ts';
import { startStack } from '../../helpers/stack.ts';
import type { Stack } from '../../helpers/stack.ts';
import { sharedAddress } from '../../helpers/temporal.ts';
import { spawnPlaybook } from './spawned.ts';
import type { Spawned } from './spawned.ts';

/** Worker and receiver in processes of their own, as deployed, beside a sandbox and the shared server. */
export interface Deployed {
  readonly stack: Stack;
  readonly worker: Spawned;
  readonly receiver: Spawned;
  /** Of the metrics. */
  readonly urls: { readonly worker: string; readonly receiver: string };
  /** Starts another worker of the same configuration; `args` follow `playbook worker`. */
  readonly another: (args: readonly string[], more?: Readonly<Record<string, string>>) => Spawned;
  readonly close: () => Promise<void>;
}

/** Starts them; `more` is environment for both processes. */
export async function startDeployed(
  more: Readonly<Record<string, string>> = {},
  sandbox: SandboxOptions = {},
): Promise<Deployed> {
  const folder = await mkdtemp(join(tmpdir(), 'playbook-deployed-'));
  const ports = { worker: await freePort(), receiver: await freePort(), webhooks: await freePort() };
  const stack = await startStack({
    receiver: false,
    worker: false,
    sandbox,
    config: `webhook:
  public_url: http://127.0.0.1:${ports.webhooks}
  secrets: ['env:DOCPROC_WEBHOOK_SECRET']
  token_secret: env:DOCPROC_CALLBACK_SECRET
# What is looked at are webhooks: no poll may come before one, however busy the machine is.
polling: { grace_ms: 30000, initial_ms: 100, factor: 1.5, max_ms: 1000 }`,
  });
  await setRetention(stack.temporal, 7 * 86_400_000);
  await writeFile(join(folder, 'docproc.yaml'), stack.yaml);
  const env = {
    ...stack.env,
    DOCPROC_CLIENT_ID: defaultClient.id,
    TEMPORAL_ADDRESS: sharedAddress(),
    TEMPORAL_NAMESPACE: stack.namespace,
    TEMPORAL_CONFIG_FILE: join(folder, 'none.toml'),
    ...more,
  };
  const running = new Set<Spawned>();
  const start = (args: readonly string[], others: Readonly<Record<string, string>> = {}): Spawned => {
    const one = spawnPlaybook([...args, '--config', 'docproc=docproc.yaml'], { ...env, ...others }, folder);
    running.add(one);
    void one.ended.then(() => running.delete(one));
    return one;
  };
  const worker = start(['worker'], { PLAYBOOK_METRICS_ADDRESS: `127.0.0.1:${ports.worker}` });
  const receiver = start(['webhooks', '--port', String(ports.webhooks), '--metrics', String(ports.receiver)]);
  const close = async (): Promise<void> => {
    const left = [...running];
    for (const one of left) one.killGroup();
    await Promise.all(left.map(({ ended }) => ended));
    await stack.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all([worker.sees('Worker is polling'), receiver.sees('Receiver is listening')]);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    stack,
    worker,
    receiver,
    urls: { worker: `http://127.0.0.1:${ports.worker}`, receiver: `http://127.0.0.1:${ports.receiver}` },
    another: (args, others) => start(['worker', ...args], others),
    close,
  };
}
