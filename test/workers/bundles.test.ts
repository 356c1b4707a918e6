import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { bundleName, bundleOptions, BUNDLES } from '../../src/workers/bundles.ts';

describe('the workflow bundles', () => {
  it('are two, each with a file and made of what is there', () => {
    expect(BUNDLES.map(bundleName)).toEqual(['workflow-bundle.js', 'workflow-bundle.encrypting.js']);
    expect(BUNDLES.map((kind) => bundleOptions(kind).failureConverterPath !== undefined)).toEqual([false, true]);
    const { workflowsPath, workflowInterceptorModules } = bundleOptions({ encrypting: false });
    for (const path of [workflowsPath, ...workflowInterceptorModules])
      expect([path, existsSync(path)]).toEqual([path, true]);
  });

  // All jobs of a thread share the modules; only what they export is frozen (docs/decisions/0032-jobs-share-the-workflow-modules.md).
  it.each(['workflows', 'rules', 'contracts'])('hold no state in a module of src/%s', (folder) => {
    const root = join(import.meta.dirname, '../../src', folder);
    const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
    expect(paths.length).toBeGreaterThan(10);
    const state = /^(?:export )?(?:let |var |const \w+ = (?:new (?:Map|Set|WeakMap|WeakSet)\b|\[\];|\{\};))/m;
    expect(paths.filter((path) => state.test(readFileSync(join(root, path), 'utf8')))).toEqual([]);
  });
});
