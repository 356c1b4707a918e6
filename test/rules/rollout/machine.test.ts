import { describe, expect, it } from '@jest/globals';
import { array, assert, constantFrom, property } from 'fast-check';
import {
  begin,
  COMMANDS,
  isOver,
  refuseCommand,
  stageOf,
  transition,
  type Phase,
  type RolloutEvent,
  type RolloutState,
} from '../../../src/rules/rollout/machine.ts';
import { applyRequest, viewOf, watchRequest } from '../../../src/rules/rollout/messages.ts';
import { countSamples } from '../../../src/rules/slo/counters.ts';
import { judgeStage } from '../../../src/rules/slo/stage.ts';
import { describeRollout } from '../../../src/rules/rollout/describe.ts';
import { inputFor, seen, SMALL_PLAN, WHO } from './fixtures.ts';

const start = begin('r', SMALL_PLAN, 'mark', WHO, 1_000);
const after = (state: RolloutState, ...events: readonly RolloutEvent[]): RolloutState =>
  events.reduce((now, event) => transition(now, event, SMALL_PLAN, 2_000), state);
const APPLIED = { type: 'applied', mark: 'm' } as const;
const PASSED = { type: 'passed', ...seen() } as const;
const watching = after(start, APPLIED);
const STATES: Readonly<Record<Phase, RolloutState>> = {
  applying: start,
  watching,
  'awaiting-approval': after(watching, PASSED),
  paused: after(watching, { type: 'pause', ...WHO }),
  frozen: transition(
    after(watching, { type: 'approve', ...WHO }),
    PASSED,
    { ...SMALL_PLAN, freeze: [{ fromMs: 0, toMs: 9_000 }] },
    2_000,
  ),
  aborting: after(watching, { type: 'failed', ...seen() }),
  aborted: after(watching, { type: 'failed', ...seen() }, { type: 'safe' }),
  done: after({ ...start, stageIndex: 4 }, APPLIED),
};
const EVENTS: readonly RolloutEvent[] = [
  APPLIED,
  { type: 'changed', what: 'something' },
  { type: 'progress', ...seen() },
  PASSED,
  { type: 'failed', ...seen() },
  { type: 'deadline', ...seen() },
  { type: 'thawed' },
  { type: 'safe' },
  ...COMMANDS.map((type) => ({ type, weightBps: 0, ...WHO })),
];
const phases = Object.keys(STATES) as Phase[];

describe('the rollout’s state machine', () => {
  // What each phase becomes by each event, in the order of EVENTS; '-' is "the very same state".
  it.each([
    ['applying', 'watching paused - - - - - - - - - - aborting -'],
    [
      'watching',
      '- paused watching awaiting-approval aborting paused - - watching paused - applying aborting applying',
    ],
    [
      'awaiting-approval',
      '- paused awaiting-approval awaiting-approval aborting paused - - applying paused - applying aborting applying',
    ],
    ['paused', '- - paused paused aborting paused - - - - applying applying aborting applying'],
    ['frozen', '- paused frozen frozen aborting frozen applying - - paused - applying aborting applying'],
    ['aborting', '- - - - - - - aborted - - - - - -'],
    ['aborted', '- - - - - - - - - - - - - -'],
    ['done', '- - - - - - - - - - - - - -'],
  ] as const)('knows what a rollout that is %s does at every event', (phase, expected) => {
    const state = STATES[phase];
    expect(state.phase).toBe(phase);
    const became = EVENTS.map((event) => {
      const next = transition(state, event, SMALL_PLAN, 3_000);
      return next === state ? '-' : next.phase;
    });
    expect(became.join(' ')).toBe(expected);
  });

  it('refuses the commands that would do nothing, and only those', () => {
    for (const phase of phases) {
      for (const command of COMMANDS) {
        const refused = refuseCommand(STATES[phase], command, SMALL_PLAN, { weightBps: 0 });
        const next = transition(STATES[phase], { type: command, weightBps: 0, ...WHO }, SMALL_PLAN, 3_000);
        expect(refused !== undefined).toBe(next === STATES[phase]);
      }
    }
    expect(phases.filter((phase) => isOver(STATES[phase]))).toEqual(['aborted', 'done']);
  });

  it('starts each stage with fresh counters and keeps those of the rollout', () => {
    const more = seen();
    const bucket = { startMs: 0, errors: { n: 5, k: 1 }, slowObjective: { n: 0, k: 0 }, slowAbort: { n: 0, k: 0 } };
    const counters = { ...more.collected.stage, buckets: [bucket] };
    const collected = { ...more.collected, stage: counters, rollout: counters };
    const next = after(watching, { type: 'progress', ...more, collected }, { type: 'promote', ...WHO });
    expect(next).toMatchObject({ phase: 'applying', stageIndex: 1 });
    expect(next.collected.stage.buckets).toEqual([]);
    expect(next.collected.rollout.buckets).toEqual([bucket]);
    expect(next.enteredMs).toBeUndefined();
    expect(next.log.at(-1)).toMatchObject({ actor: 'ana', verdict: more.verdict });
  });

  it('keeps samples and soak over a pause, and gives a new deadline', () => {
    const resumed = transition(after(STATES.paused, { type: 'resume', ...WHO }), APPLIED, SMALL_PLAN, 50_000);
    expect(resumed).toMatchObject({ phase: 'watching', enteredMs: 2_000 });
    expect(resumed.deadlineMs).toBe(50_000 + stageOf(resumed, SMALL_PLAN).deadlineMs);
  });

  it('holds a stage at a weight somebody set, at most its own, until it is resumed or promoted', () => {
    const tenth = after({ ...start, stageIndex: 1 }, APPLIED);
    const set = after(tenth, { type: 'setWeight', weightBps: 200, ...WHO });
    expect(set).toMatchObject({ phase: 'applying', weightBps: 200, because: 'a test' });
    expect(applyRequest(inputFor('docproc'), set)).toMatchObject({ weightBps: 200, watched: { stage: 'r:tenth' } });
    const held = after(set, { type: 'applied', mark: 'n' });
    expect(held).toMatchObject({ phase: 'paused', because: 'Held at 2 % of units: a test', mark: 'n' });
    expect(held.log.map(({ weightBps }) => weightBps).slice(-2)).toEqual([200, 200]);
    for (const type of ['resume', 'promote'] as const) {
      expect(after(held, { type, ...WHO }).weightBps).toBeUndefined();
    }
    expect(after(set, { type: 'changed', what: 'something' })).toMatchObject({ phase: 'paused' });
    expect(after(set, { type: 'changed', what: 'something' }).weightBps).toBeUndefined();
    for (const weightBps of [1_001, -1, 1.5, undefined]) {
      expect(refuseCommand(tenth, 'setWeight', SMALL_PLAN, weightBps === undefined ? {} : { weightBps })).toBe(
        `The weight must be a whole number from 0 to 1000, that of stage tenth (got ${weightBps}). To rise, promote.`,
      );
    }
  });

  it('holds, and goes on watching, a weight that somebody set when every stage had passed already', () => {
    const last = after({ ...start, stageIndex: 4 }, { type: 'changed', what: 'something' });
    const set = after(last, { type: 'setWeight', weightBps: 253, ...WHO });
    expect(applyRequest(inputFor('docproc'), set)).toMatchObject({ weightBps: 253, watched: { stage: 'r:bake' } });
    const held = after(set, APPLIED);
    expect(held).toMatchObject({ phase: 'paused', because: 'Held at 2.53 % of units: a test' });
    expect(watchRequest(inputFor('docproc'), held, 2_000)).toMatchObject({ stage: { name: 'bake' }, guardOnly: true });
    for (const type of ['resume', 'promote'] as const) {
      const freed = after(held, { type, ...WHO });
      expect(applyRequest(inputFor('docproc'), freed)).toMatchObject({ weightBps: 10_000 });
      expect(applyRequest(inputFor('docproc'), freed)).not.toHaveProperty('watched');
      expect(after(freed, APPLIED)).toMatchObject({ phase: 'done', because: 'Every stage has passed.' });
    }
  });

  it('says once that there is nothing to judge by, and once that there is again', () => {
    const { verdict, ...rest } = seen('No sample for 6 h.');
    const blind = { type: 'progress', ...rest, verdict: { ...verdict, reason: 'quiet' } } as const;
    const gone = after(watching, blind);
    expect(gone).toMatchObject({ phase: 'watching', because: 'No sample for 6 h.', revision: watching.revision + 1 });
    expect(watchRequest(inputFor('docproc'), gone, 5).blind).toBe(true);
    expect(after(gone, blind).revision).toBe(gone.revision);
    const back = after(gone, { type: 'progress', ...seen('5 jobs.') });
    expect(back).toMatchObject({ phase: 'watching', because: 'There are samples again. 5 jobs.' });
    expect(after(STATES.paused, blind).revision).toBe(STATES.paused.revision);
  });

  it('says at its end how many jobs were told to cancel', () => {
    const aborting = after(watching, { type: 'failed', ...seen('Too bad.') });
    expect(after(aborting, { type: 'safe', canceled: 1 }).because).toBe('Too bad. 1 job was told to cancel.');
    expect(after(aborting, { type: 'safe', canceled: 3 }).because).toBe('Too bad. 3 jobs were told to cancel.');
  });

  it('aborts at a deadline where the plan says so, and otherwise asks', () => {
    const last = after({ ...start, stageIndex: 2 }, APPLIED, { type: 'deadline', ...seen('Too little.') });
    expect(last).toMatchObject({
      phase: 'aborting',
      because: 'The stage’s deadline has passed. Too little.'.replace('’', "'"),
    });
    expect(after(watching, { type: 'deadline', ...seen() }).phase).toBe('paused');
  });

  it('remembers an approval that came early', () => {
    expect(after(watching, { type: 'approve', ...WHO }, PASSED)).toMatchObject({ phase: 'applying', stageIndex: 1 });
  });

  it('rises by at most a stage for each pass or word of a person, whatever comes in whatever order', () => {
    assert(
      property(array(constantFrom(...EVENTS), { maxLength: 60 }), (events) => {
        let state = start;
        for (const event of events) {
          const next = transition(state, event, SMALL_PLAN, 3_000);
          const rise = next.stageIndex - state.stageIndex;
          expect(rise === 0 || rise === 1).toBe(true);
          expect(rise === 0 || ['passed', 'promote', 'approve', 'thawed'].includes(event.type)).toBe(true);
          expect(next.revision - state.revision).toBeLessThanOrEqual(1);
          state = next;
        }
      }),
    );
  });

  it('refuses a plan without stages', () => {
    expect(() => begin('r', { ...SMALL_PLAN, stages: [] }, 'm', WHO, 0)).toThrow(RangeError);
  });
});

describe('what is asked of the activities', () => {
  const input = inputFor('docproc');

  it('is a watched weight until the end, then an unwatched one', () => {
    expect(applyRequest(input, start)).toMatchObject({
      weightBps: 0,
      allow: ['internal'],
      mark: 'mark',
      watched: { stage: 'r:beta', safe: { weightBps: 0, allow: [] } },
    });
    const end = applyRequest(input, { ...start, stageIndex: 4 });
    expect(end).toMatchObject({ weightBps: 10_000, allow: [] });
    expect(end.watched).toBeUndefined();
  });

  it('is to watch for aborts only while it is not the stage’s turn', () => {
    expect(watchRequest(input, watching, 5)).toMatchObject({ guardOnly: false, mark: 'm', enteredMs: 2_000 });
    expect(watchRequest(input, watching, 5).deadlineMs).toBeDefined();
    const paused = watchRequest(input, STATES.paused, 5);
    expect(paused.guardOnly).toBe(true);
    expect([paused.mark, paused.deadlineMs]).toEqual([undefined, undefined]);
    expect(watchRequest(input, start, 5).enteredMs).toBe(5);
  });
});

describe('a rollout in words', () => {
  const input = inputFor('docproc');

  it('says where it stands, why, and what each watcher thinks', () => {
    const learned = after(watching, { type: 'progress', ...seen() });
    const text = describeRollout(viewOf(input, learned), 62_000);
    expect(text).toContain('### Rollout r of docproc');
    expect(text).toContain('**watching** (revision 2, in this stage for 1 min): Its weight is set.');
    expect(text).toContain('- ▶ beta (0 %)\n- · tenth (10 %)');
    expect(text).toContain('- errors: ERROR.');
    expect(describeRollout(viewOf(input, { ...start, stageIndex: 1 }))).toContain('- ✔ beta (0 %)');
    expect(text).toContain('  - promote ░░░░░░░░░░ 0 of 4.61: no samples, at most 1 %');
  });

  it('shows each watcher’s estimate with its interval against both thresholds, and how far the evidence is', () => {
    const { collected } = seen();
    const good = { atMs: 0, failed: false, slowObjective: false, slowAbort: false, costMicros: 10_000 };
    const stage = countSamples(
      collected.stage,
      Array.from({ length: 200 }, (_, nth) => ({ ...good, failed: nth === 0 })),
    );
    const verdict = judgeStage(
      { watchers: SMALL_PLAN.watchers, minSamples: 1, minSoakMs: 1 },
      { nowMs: 0, enteredMs: 0, counters: stage, outage: false },
    );
    const text = describeRollout(viewOf(input, after(watching, { type: 'progress', collected, verdict })));
    expect(text).toContain(
      '  - promote █████░░░░░ 2.2 of 4.61: 0.5 % (95 % interval 0.0883 % to 2.78 %) of 200, at most 1 %',
    );
    expect(text).toContain(
      '  - abort ░░░░░░░░░░ 0 of 6.91: 0.5 % (95 % interval 0.0883 % to 2.78 %) of 200, too bad at 5 %',
    );
    expect(text).toMatch(/- cost: PASS.*\n {2}- promote █{10} .* of 200, at most \$0\.02\n/);
  });
});
