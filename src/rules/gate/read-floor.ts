import type { SendClass } from './send-class.ts';

/** Chooses between the classes while both wait: submits first, but reads keep a share. */
export interface ReadFloor {
  readonly choose: () => SendClass;
  readonly sent: (kind: SendClass) => void;
}

/** @param share of the sends that reads keep, from 0 to 1. What they did not ask for is not saved up beyond one send. */
export function createReadFloor(share: number): ReadFloor {
  let owed = 0;
  return {
    choose: () => (owed + share >= 1 - 1e-9 ? 'read' : 'submit'),
    sent: (kind) => {
      owed = Math.min(1, Math.max(0, owed + share - (kind === 'read' ? 1 : 0)));
    },
  };
}
