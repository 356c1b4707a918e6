import { setMaxListeners } from 'node:events';

/** npm passes a signal on that the terminal has sent to us already, so a second one right behind the first is the same one. */
const SAME_SIGNAL_MS = 500;

/** What signals do to a command: the first asks it to end in order, a later one ends it. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Ends the command in order, for another reason than a signal. */
  readonly abort: () => void;
  readonly onSignal: (name: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => void;
}

export function createInterrupt(deps: {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly warn: (text: string) => void;
  /** Ends the process at once. */
  readonly exit: (code: number) => void;
}): Interrupt {
  const controller = new AbortController();
  setMaxListeners(Infinity, controller.signal); // each job of a run waits for it
  let firstMs: number | undefined;
  return {
    signal: controller.signal,
    abort: () => controller.abort(),
    onSignal: (name) => {
      if (firstMs === undefined) {
        firstMs = deps.now();
        controller.abort();
      } else if (deps.now() - firstMs >= SAME_SIGNAL_MS) {
        deps.warn('Forced to end. The next start cleans up.\n');
        deps.exit(name === 'SIGINT' ? 130 : 143);
      }
    },
  };
}
