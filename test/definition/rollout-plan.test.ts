import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { loadRolloutPlan, parseRolloutPlan } from '../../src/definition/index.ts';
import { DEFAULT_PLAN, STAGE_DEFAULTS } from '../../src/rules/rollout/plan.ts';
import { DEFAULT_WATCHERS } from '../../src/rules/slo/watchers.ts';

describe('a rollout.yaml', () => {
  it('needs to say only what differs from the defaults', () => {
    const plan = parseRolloutPlan(`
stages:
  - { name: beta, allow: [internal], approval: true, minSoak: 30m, quiet: 2h, spendLimitMicros: 5000000 }
  - { name: all, weightBps: 10000, deadline: 3d, onDeadline: abort }
bake: 2h
onAbort: cancel
freeze:
  - { weekly: [sat, sun] }
  - { from: '2026-12-24T00:00:00Z', to: '2026-12-27T00:00:00Z' }
`);
    expect(plan).toEqual({
      ...DEFAULT_PLAN,
      watchers: DEFAULT_WATCHERS,
      bakeMs: 7_200_000,
      onAbort: 'cancel',
      freeze: [
        { weekly: ['sat', 'sun'] },
        { fromMs: Date.parse('2026-12-24T00:00:00Z'), toMs: Date.parse('2026-12-27T00:00:00Z') },
      ],
      stages: [
        {
          ...STAGE_DEFAULTS,
          name: 'beta',
          allow: ['internal'],
          approval: true,
          minSoakMs: 1_800_000,
          quietMs: 7_200_000,
          spendLimitMicros: 5_000_000,
        },
        { ...STAGE_DEFAULTS, name: 'all', weightBps: 10_000, deadlineMs: 3 * 86_400_000, onDeadline: 'abort' },
      ],
    });
    expect(Object.isFrozen(plan.stages[0])).toBe(true);
  });

  it('tells every problem of its form at once, with the path', () => {
    const text = 'stages: [{ name: A, weightBps: 20000, minSoack: 5 }]\nlease: 1s\nbake: soon';
    expect(() => parseRolloutPlan(text)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(
          /rollout\.yaml has 5 problem\(s\):[^]*stages\[0\]\.name[^]*stages\[0\]\.weightBps must be at most 10000[^]*minSoack is not a known key, did you mean minSoak\?[^]*bake [^]*lease /,
        ),
      }),
    );
  });

  it('tells what does not fit together', () => {
    const text =
      'stages: [{ name: half, weightBps: 5000 }]\nwatchers: [{ metric: errors, objective: 0.05, abort: 0.01 }]';
    expect(() => parseRolloutPlan(text, 'x.yaml')).toThrow(
      'x.yaml has 2 problem(s):\n' +
        '  watchers[0] 0 < objective < abort < 1 must hold (got 0.05, 0.01)\n' +
        '  stages[0].weightBps must be 10000: the last stage lets everybody in',
    );
  });

  it('that is no YAML, or no plan at all, is refused', () => {
    expect(() => parseRolloutPlan('stages: [')).toThrow(/^rollout\.yaml is not valid YAML: /);
    expect(() => parseRolloutPlan('5')).toThrow(/the plan must be an object/);
    expect(() => parseRolloutPlan('a: *nobody')).toThrow('nobody');
  });

  it('is the default plan where there is no file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'playbook-plan-'));
    try {
      expect(await loadRolloutPlan(join(folder, 'rollout.yaml'))).toBe(DEFAULT_PLAN);
      await writeFile(join(folder, 'rollout.yaml'), 'stages: [{ name: all, weightBps: 10000 }]');
      expect((await loadRolloutPlan(join(folder, 'rollout.yaml'))).stages).toHaveLength(1);
      await expect(loadRolloutPlan(join(folder, 'typo.yaml'), { isNamed: true })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(/typo\.yaml cannot be read \(ENOENT\)\. Check the path\.$/),
      });
      await expect(loadRolloutPlan(folder)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
