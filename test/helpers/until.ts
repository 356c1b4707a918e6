import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until something is true; fails after `withinMs` with what was waited for. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>, withinMs = 15_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`Waited ${withinMs} ms in vain: ${what}`);
    await sleep(20);
  }
}
