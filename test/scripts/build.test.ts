import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from '@jest/globals';

const root = join(import.meta.dirname, '../..');

function build(): void {
  execFileSync(join(root, 'node_modules/.bin/tsx'), [join(root, 'scripts/build.ts')], { stdio: 'inherit' });
}

// Tests and tsx are more lenient than Node, e.g. with names imported from CommonJS packages.
it('builds modules that plain Node can load, and a workflow bundle; again without a change it builds nothing', () => {
  build();
  const bundle = statSync(join(root, 'dist/workflow-bundle.js'));
  const modules = readdirSync(join(root, 'dist/src'))
    .map((folder) => join(root, 'dist/src', folder, 'index.js'))
    .filter((file) => existsSync(file) && !file.includes('/workflows/'))
    .map((file) => pathToFileURL(file).href);
  expect(modules.length).toBeGreaterThan(5);
  const script = `for (const module of ${JSON.stringify(modules)}) await import(module);`;
  execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  build();
  expect(statSync(join(root, 'dist/workflow-bundle.js')).mtimeMs).toBe(bundle.mtimeMs);
});
