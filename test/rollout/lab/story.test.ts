import { describe, expect, it } from '@jest/globals';
import { INITIAL_CONTROL, type ControlState } from '../../../src/contracts/control.ts';
import { inputFor, SMALL_PLAN, WHO } from '../../rules/rollout/fixtures.ts';
import { begin } from '../../../src/rules/rollout/machine.ts';
import { viewOf } from '../../../src/rules/rollout/messages.ts';
import { unearnedRises, type Story } from './story.ts';

const at = (weightBps: number, stage: string | undefined, actor = 'rollout r'): ControlState => ({
  ...INITIAL_CONTROL,
  weightBps,
  changed: { ...WHO, actor, atMs: 0, what: 'weight' },
  ...(stage === undefined ? {} : { stage: `r:${stage}` }),
});
const story = (states: readonly ControlState[], more: Partial<Story> = {}): Story => ({
  controls: [at(0, 'beta'), ...states].map((state, nth) => ({ state, atMs: 10 * nth })),
  passes: [],
  said: [],
  runs: 1,
  isWhole: true,
  lost: 0,
  ...more,
});
const approved = {
  atMs: 5,
  command: 'approve' as const,
  view: viewOf(inputFor('svc'), { ...begin('r', SMALL_PLAN, '', WHO, 0), phase: 'watching' }),
};

describe('what is told of a weight that rose', () => {
  it('is nothing where each stage before has passed, and was approved where it must be', () => {
    const good = story([at(1_000, 'tenth')], { passes: [{ atMs: 5, stage: 'beta' }], said: [approved] });
    expect(unearnedRises(good, SMALL_PLAN)).toEqual([]);
    const promoted = { ...approved, command: 'promote' as const, view: { ...approved.view, stageIndex: 1 } };
    expect(unearnedRises(story([at(1_000, 'tenth')], { said: [promoted] }), SMALL_PLAN)).toEqual([]);
    expect(unearnedRises(story([at(9_000, undefined, 'ana')]), SMALL_PLAN)).toEqual([]);
    const passes = ['beta', 'tenth', 'all', 'bake'].map((stage) => ({ atMs: 5, stage }));
    expect(unearnedRises(story([at(10_000, undefined)], { passes, said: [approved] }), SMALL_PLAN)).toEqual([]);
  });

  it.each([
    ['no pass', [at(1_000, 'tenth')], {}, 'though beta has not passed'],
    ['no approval', [at(1_000, 'tenth')], { passes: [{ atMs: 5, stage: 'beta' }] }, 'though beta has not passed'],
    [
      'a pass that came later',
      [at(1_000, 'tenth')],
      { passes: [{ atMs: 15, stage: 'beta' }], said: [approved] },
      'beta',
    ],
    ['more than the stage has', [at(1_001, 'tenth')], {}, "is no stage's weight"],
    [
      'an end before the bake',
      [at(10_000, undefined)],
      { passes: ['beta', 'tenth', 'all'].map((stage) => ({ atMs: 5, stage })), said: [approved] },
      'bake has not passed',
    ],
    ['a rise after the abort', [at(1_000, 'tenth')], { abortedMs: 5 }, 'though it was aborted'],
  ] as const)('is %s', (_, states, more, problem) => {
    expect(unearnedRises(story(states, more), SMALL_PLAN)).toEqual([expect.stringContaining(problem)]);
  });
});
