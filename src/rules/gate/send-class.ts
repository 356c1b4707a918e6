/** Submits make new jobs; reads (polls, fetches, cancellations) serve jobs that are paid for. */
export const SEND_CLASSES = ['submit', 'read'] as const;
export type SendClass = (typeof SEND_CLASSES)[number];

/** Who takes turns at the gate: polls are reads that wait behind the others, since they ask again anyway. */
export const TURNS = ['submit', 'read', 'poll'] as const;
export type Turn = (typeof TURNS)[number];

/** What a turn counts as. */
export function classOfTurn(turn: Turn): SendClass {
  return turn === 'poll' ? 'read' : turn;
}
