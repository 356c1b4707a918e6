import { describe, expect, it } from '@jest/globals';
import { faultsSchema } from '../../src/sandbox/faults/schema.ts';
import { describeMishap, PARTS, planChaos, WAYS, type Mishap } from './plan.ts';

const of = <K extends Mishap['kind']>(mishaps: readonly Mishap[], kind: K) =>
  mishaps.filter((mishap): mishap is Extract<Mishap, { kind: K }> => mishap.kind === kind);

describe('the plan of a chaos run', () => {
  it('follows from its seed alone', () => {
    expect(planChaos(3, 8)).toEqual(planChaos(3, 8));
    expect(planChaos(3, 8)).not.toEqual(planChaos(4, 8));
  });

  it('strikes every process, every way, every kind of fault the sandbox has, and the kill switch', () => {
    const mishaps = [1, 2, 3].flatMap((seed) => planChaos(seed, 8).mishaps);
    expect(new Set(of(mishaps, 'kill').map(({ part }) => part))).toEqual(new Set(PARTS));
    expect(new Set(of(mishaps, 'way').map(({ way }) => way))).toEqual(new Set(WAYS));
    expect(new Set(of(mishaps, 'way').map(({ mode }) => mode))).toEqual(
      new Set(['blocked', 'mute', 'refusing', 'slow']),
    );
    const faults = of(mishaps, 'faults').map(({ faults: input }) => faultsSchema.parse(input));
    const kinds = new Set(faults.flatMap(({ rules }) => rules.map(({ kind }) => kind)));
    const known = faultsSchema.shape.rules.unwrap().element.options.map(({ shape }) => shape.kind.value);
    expect([...kinds].toSorted()).toEqual([...known].toSorted());
    expect(faults.some(({ clockOffsetMs }) => clockOffsetMs !== undefined)).toBe(true);
    expect(faults.some(({ tokens }) => tokens !== undefined)).toBe(true);
    expect(of(mishaps, 'gate-kill').length).toBeGreaterThan(0);
  });

  it('is over in time, in order, with something every few seconds', () => {
    const { mishaps, durationMs } = planChaos(11, 2);
    expect(mishaps.map(({ atMs }) => atMs)).toEqual(mishaps.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
    expect(Math.max(...mishaps.map(({ atMs, forMs }) => atMs + forMs))).toBeLessThanOrEqual(durationMs);
    expect(mishaps.length).toBeGreaterThan(30);
  });

  it('says in one line what happens', () => {
    const base = { atMs: 0, forMs: 1_500 };
    expect([
      describeMishap({ ...base, kind: 'kill', part: 'temporal' }),
      describeMishap({ ...base, kind: 'pause', part: 'worker-1' }),
      describeMishap({ ...base, kind: 'way', way: 'sandbox>receiver', mode: 'slow', delayMs: 70 }),
      describeMishap({ ...base, kind: 'way', way: 'caller>temporal', mode: 'mute', delayMs: 70 }),
      describeMishap({ ...base, kind: 'faults', faults: { rules: [{ kind: 'reset' }], clockOffsetMs: 5 } }),
      describeMishap({ ...base, kind: 'gate-kill' }),
    ]).toEqual([
      'kill temporal, away for 1.5 s',
      'pause worker-1, for 1.5 s',
      'sandbox>receiver slow by 70 ms for 1.5 s',
      'caller>temporal mute for 1.5 s',
      'faults of the service for 1.5 s: reset, clockOffsetMs',
      'kill switch for 1.5 s',
    ]);
  });
});
