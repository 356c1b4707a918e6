import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleName, bundleOptions } from '../workers/bundles.ts';
import { createInterrupt } from './interrupt.ts';
import type { CliIo, Output } from './io.ts';
import { runCli } from './run-cli.ts';

const interrupt = createInterrupt({
  now: () => performance.now(),
  warn: (text) => void process.stderr.write(text),
  exit: (code) => process.exit(code),
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt.onSignal);

// A reader that has gone (`playbook … | head`) is no reason to leave the embedded parts behind: end in order.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => interrupt.abort());

function output(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => void stream.write(text),
    isTTY: stream.isTTY,
    get columns() {
      return stream.columns;
    },
  };
}

const io: CliIo = {
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  stdin: process.stdin,
  env: process.env,
  cwd: process.cwd(),
  interrupt: interrupt.signal,
  installRuntime: async (setup) => (await import('./compose/runtime.ts')).installRuntime(setup),
  workflowBundle: async (kind) => {
    const codePath = fileURLToPath(new URL(`../../${bundleName(kind)}`, import.meta.url));
    if (existsSync(codePath)) return { codePath };
    const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
    return bundleWorkflowCode({ logger: new DefaultLogger('WARN'), ...bundleOptions(kind) });
  },
};

process.exitCode = await runCli(process.argv.slice(2), io);

// Nothing should be left that keeps the process; if something is, it does not matter any more.
setTimeout(() => process.exit(), 2000).unref();
