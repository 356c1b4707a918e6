import { PlaybookError } from '../contracts/errors.ts';
import type { IdempotencyPolicy } from '../definition/index.ts';
import { failureOf, submitOnce, uploadFiles } from './asked.ts';
import type { Asked } from './asked.ts';

/** What a submit under a key that was used before gave. */
export type Repeated =
  | { readonly gave: 'same' }
  | { readonly gave: 'second' }
  | { readonly gave: 'conflict'; readonly status: number; readonly serviceCode?: string; readonly meant: string };

export interface IdempotencyFinding {
  readonly probe: 'idempotency';
  /** What the definition counts on. */
  readonly policy: IdempotencyPolicy['kind'];
  /** The same submit once more, after the first was answered. */
  readonly again: Repeated;
  /** The same submit twice at once. */
  readonly atOnce: Repeated;
  /** The first key with another body. */
  readonly otherBody: Repeated;
  /** Jobs the service made of the five submits. */
  readonly jobs: number;
}

/** The jobs at most that a service makes of it which knows no keys. */
export const IDEMPOTENCY_JOBS = 5;

/** Submits one key twice, another twice at once, and the first with another body. @throws RequestFailed, PlaybookError */
export async function probeIdempotency(asked: Asked): Promise<IdempotencyFinding> {
  const [one, two, three] = [await asked.inputOf(1), await asked.inputOf(2), await asked.inputOf(3)];
  for (const input of [one, two, three]) await uploadFiles(asked, input);
  const made = new Set<string>();
  const submit = (input: unknown, key: string): Promise<Outcome> => outcomeOf(asked, input, key, made);

  const first = acceptedId(await submit(one, 'first'));
  const again = compare(first, await submit(one, 'first'));
  const both = await Promise.all([submit(two, 'at-once'), submit(two, 'at-once')]);
  const [early, late] = both.toSorted((a, b) => Number('id' in b) - Number('id' in a)) as [Outcome, Outcome];
  const atOnce = compare(acceptedId(early), late);
  const otherBody = compare(first, await submit(three, 'first'));
  const { kind } = asked.runtime.integration.submit.idempotency;
  return { probe: 'idempotency', policy: kind, again, atOnce, otherBody, jobs: made.size };
}

type Outcome = { readonly id: string } | Extract<Repeated, { readonly gave: 'same' | 'conflict' }>;

async function outcomeOf(asked: Asked, input: unknown, key: string, made: Set<string>): Promise<Outcome> {
  try {
    const { externalId: id } = await submitOnce(asked, input, key);
    made.add(id);
    return { id };
  } catch (error) {
    // It answered with the job it had, and the mapper saw that this has other input.
    if (error instanceof PlaybookError && error.code === 'IDEMPOTENCY_KEY_REUSED') return { gave: 'same' };
    const { code, status = 0, serviceCode, arrival } = failureOf(error);
    if (status < 400 || status >= 500 || !['refused', 'accepted'].includes(arrival)) throw error;
    return { gave: 'conflict', status, ...(serviceCode === undefined ? {} : { serviceCode }), meant: code };
  }
}

/** @throws PlaybookError where the service takes no job at all */
function acceptedId(outcome: Outcome): string {
  if ('id' in outcome) return outcome.id;
  const said =
    outcome.gave === 'conflict' ? `${outcome.status} ${outcome.serviceCode ?? outcome.meant}` : 'another job';
  throw new PlaybookError(
    'CONFLICT',
    `A first submit under a key of its own was answered ${said}: the sample is not accepted. See src/samples.ts.`,
  );
}

function compare(first: string, later: Outcome): Repeated {
  if (!('id' in later)) return later;
  return { gave: later.id === first ? 'same' : 'second' };
}
