import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { loadRolloutPlan } from '../../../../src/definition/index.ts';
import { DEFAULT_PLAN } from '../../../../src/rules/rollout/plan.ts';

describe('docproc’s rollout.yaml', () => {
  it('is the default plan, written out', async () => {
    expect(await loadRolloutPlan(fileURLToPath(new URL('../../rollout.yaml', import.meta.url)))).toEqual(DEFAULT_PLAN);
  });
});
