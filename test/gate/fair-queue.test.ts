import { describe, expect, it } from '@jest/globals';
import { createFairQueue } from '../../src/workers/gate/fair-queue.ts';

function queueOf(...items: readonly (readonly [unit: string, item: string])[]) {
  const queue = createFairQueue<string>();
  for (const [unit, item] of items) queue.push(unit, item);
  return queue;
}

describe('the fair queue', () => {
  it('serves units in turn, each first in, first out', () => {
    const queue = queueOf(['flood', 'f1'], ['flood', 'f2'], ['flood', 'f3'], ['small', 's1'], ['flood', 'f4']);
    const served = Array.from({ length: 6 }, () => queue.shift());
    expect(served).toEqual(['f1', 's1', 'f2', 'f3', 'f4', undefined]);
  });

  it('lets a unit that comes anew wait for at most one turn of each other unit', () => {
    const queue = queueOf(['a', 'a1'], ['a', 'a2'], ['b', 'b1'], ['b', 'b2']);
    expect(queue.shift()).toBe('a1');
    queue.push('c', 'c1');
    expect([queue.shift(), queue.shift(), queue.shift(), queue.shift()]).toEqual(['b1', 'a2', 'c1', 'b2']);
  });

  it('removes one item, and says whether it was there', () => {
    const queue = queueOf(['a', 'a1'], ['a', 'a2'], ['b', 'b1']);
    expect(queue.remove('a', 'a1')).toBe(true);
    expect(queue.remove('a', 'a1')).toBe(false);
    expect(queue.remove('nobody', 'a2')).toBe(false);
    expect(queue.remove('b', 'b1')).toBe(true);
    expect(queue.size).toBe(1);
    expect(queue.items()).toEqual(['a2']);
  });

  it('is empty after it was drained', () => {
    const queue = queueOf(['a', 'a1'], ['b', 'b1']);
    expect(queue.drain()).toEqual(['a1', 'b1']);
    expect([queue.size, queue.shift(), queue.drain()]).toEqual([0, undefined, []]);
  });
});
