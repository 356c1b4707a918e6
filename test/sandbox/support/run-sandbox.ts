import { startSandbox } from '../../../src/sandbox/index.ts';
import type { SandboxOptions } from '../../../src/sandbox/index.ts';

/** Runs a sandbox as a process of its own: options come as JSON, the URL goes to stdout. */
const sandbox = await startSandbox(JSON.parse(process.argv[2] ?? '{}') as SandboxOptions);
process.stdout.write(`${sandbox.url}\n`);
