import type { JobAnswer } from '../../src/client/index.ts';

/** The error a job ended with. */
export function errorOf(answer: JobAnswer<unknown>): { readonly code: string; readonly message: string } {
  if (answer.state === 'PENDING' || answer.error === null)
    throw new Error(`The job is ${answer.state}, without an error.`);
  return answer.error;
}
