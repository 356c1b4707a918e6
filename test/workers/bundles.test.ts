import { existsSync } from 'node:fs';
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
});
