#!/usr/bin/env -S MALLOC_ARENA_MAX=2 node --max-semi-space-size=2
// The `playbook` command: runs the build's, so that it starts without compiling anything. The options above keep a worker small:
// what it allocates is short-lived, and left alone both allocators keep the space (bench/waiting-jobs.ts).
import { existsSync } from 'node:fs';

const built = new URL('../dist/src/cli/bin.js', import.meta.url);
if (existsSync(built)) {
  await import(built.href);
} else {
  process.stderr.write('playbook is not built yet. Run `npm run build` in its folder.\n');
  process.exitCode = 1;
}
