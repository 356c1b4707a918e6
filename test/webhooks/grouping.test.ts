import { describe, expect, it } from '@jest/globals';
import { createGrouping } from '../../src/webhooks/grouping.ts';

describe('grouping of events', () => {
  it('sends what comes within the wait together, apart for each target, and tells everyone what became of it', async () => {
    const sent: [string, readonly number[]][] = [];
    const grouping = createGrouping<number, string>({
      idleMs: 20,
      longestMs: 1_000,
      send: async (target, items) => {
        sent.push([target, items]);
        return `${target} took ${items.length}`;
      },
    });
    const answers = await Promise.all([grouping.add('a', 1), grouping.add('b', 2), grouping.add('a', 3)]);
    expect(answers).toEqual(['a took 2', 'b took 1', 'a took 2']);
    expect(Object.fromEntries(sent)).toEqual({ a: [1, 3], b: [2] });
  });

  it('acknowledges nobody before the sending has ended, and fails all of a group that could not be sent', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const grouping = createGrouping<number, string>({
      idleMs: 1,
      longestMs: 1_000,
      send: async (_target, items) => {
        await held;
        if (items.includes(13)) throw new Error('Temporal is away');
        return 'accepted';
      },
    });
    let acknowledged = 0;
    const good = grouping.add('a', 1).then(() => (acknowledged += 1));
    const bad = [grouping.add('b', 13), grouping.add('b', 14)].map((each) =>
      each.catch((error: Error) => error.message),
    );
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(acknowledged).toBe(0);
    release();
    await good;
    expect(await Promise.all(bad)).toEqual(['Temporal is away', 'Temporal is away']);
  });

  it('goes on gathering while more keep coming, but not for longer than told', async () => {
    const sizes: number[] = [];
    const grouping = createGrouping<number, void>({
      idleMs: 60,
      longestMs: 300,
      send: async (_target, items) => void sizes.push(items.length),
    });
    const startMs = performance.now();
    const taken: Promise<number>[] = [];
    for (let nth = 0; performance.now() - startMs < 700; nth += 1) {
      const addedMs = performance.now();
      taken.push(grouping.add('a', nth).then(() => performance.now() - addedMs));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(Math.max(...(await Promise.all(taken)))).toBeLessThan(1_000);
    expect(sizes.length).toBeGreaterThan(1);
    expect(Math.max(...sizes)).toBeGreaterThan(5);
  });

  it('does not wait once a group is full, in number or in bytes', async () => {
    const sizes: number[] = [];
    const grouping = createGrouping<string, void>({
      idleMs: 50,
      longestMs: 1_000,
      send: async (_target, items) => void sizes.push(items.length),
    });
    const many = Array.from({ length: 201 }, (_, nth) => grouping.add('many', String(nth)));
    const large = Array.from({ length: 3 }, () => grouping.add('large', 'x'.repeat(100_000)));
    await Promise.all([...many, ...large]);
    expect(sizes).toEqual([200, 2, 1, 1]);
  });
});
