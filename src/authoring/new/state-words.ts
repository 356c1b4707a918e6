import type { ObservedState } from '../../contracts/states.ts';

const STATE_WORDS: readonly (readonly [RegExp, ObservedState])[] = [
  [/^(completed?|succeeded|success|successful|done|ready|finished|ok)$/i, 'COMPLETED'],
  [/^(failed|failure|error|errored|rejected|expired|timed_?out)$/i, 'FAILED'],
  [/^(cancel{1,2}ed|cancel{1,2}ing|aborted|withdrawn|revoked)$/i, 'CANCELED'],
];

/** What a word for a state means, as a rule; nothing for one that is not known to be an end. */
export function stateOf(word: string): ObservedState | undefined {
  return STATE_WORDS.find(([names]) => names.test(word))?.[1];
}
