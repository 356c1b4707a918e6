import type { JobState } from '../../src/contracts/states.ts';
import type { Asked } from './load.ts';
import { BREAKING_HITS } from './plan.ts';

/** A job as the service holds it. */
export interface Held {
  readonly id: string;
  readonly status: string;
  /** Ours: `<key>~<generation>`. */
  readonly reference: string | null;
}

/** A job as Temporal says it ended; `PENDING` when it is not over. */
export interface Said {
  readonly key: string;
  readonly state: JobState | 'PENDING';
  readonly code: string | null;
  readonly externalId: string | null;
  readonly text: string | null;
  /** Workflow tasks that failed because the code did not fit the history. */
  readonly nondeterministic: number;
}

/** What the comparison found; clean when the first three are empty. */
export interface Findings {
  readonly lost: readonly string[];
  readonly duplicated: readonly string[];
  readonly wrong: readonly string[];
  readonly jobs: number;
  /** How often each ending occurred, such as `COMPLETED` or `FAILED REMOTE_FAILED`. */
  readonly endings: Readonly<Record<string, number>>;
}

export function isClean({ lost, duplicated, wrong }: Findings): boolean {
  return lost.length + duplicated.length + wrong.length === 0;
}

/** An answer that breaks the contract ends its job loudly, whatever the service holds. */
const LOUD = ['CONTRACT_VIOLATION', 'UNKNOWN_STATUS'];

/** Compares, job by job, what was asked, what the service holds, and what Temporal says. */
export function audit(asked: readonly Asked[], held: readonly Held[], said: ReadonlyMap<string, Said>): Findings {
  const byReference = new Map<string | null, Held[]>();
  for (const one of held) byReference.set(one.reference, [...(byReference.get(one.reference) ?? []), one]);
  const lost: string[] = [];
  const duplicated: string[] = [];
  const wrong: string[] = [];
  const endings: Record<string, number> = {};
  let loud = 0;
  for (const job of asked) {
    const there = byReference.get(`${job.key}~1`) ?? [];
    byReference.delete(`${job.key}~1`);
    const end = said.get(job.key);
    const ending = end === undefined ? 'unknown to Temporal' : [end.state, end.code].filter(Boolean).join(' ');
    endings[ending] = (endings[ending] ?? 0) + 1;
    if (there.length > 1) duplicated.push(`${job.key} is at the service ${there.length} times`);
    if (end === undefined || end.state === 'PENDING') {
      lost.push(
        `${job.key} is ${ending}; at the service: ${there.map(({ status }) => status).join(' and ') || 'nothing'}`,
      );
      continue;
    }
    if (end.nondeterministic > 0) wrong.push(`${job.key} did not replay ${end.nondeterministic} times`);
    if (end.state === 'FAILED' && LOUD.includes(end.code ?? '') && ++loud <= BREAKING_HITS) continue;
    const why = contradiction(job, end, there[0]);
    if (why !== undefined) wrong.push(`${job.key} is ${ending}: ${why}`);
  }
  for (const [reference, jobs] of byReference) wrong.push(`nobody asked for ${jobs.length} job(s) of ${reference}`);
  return { lost, duplicated, wrong, jobs: asked.length, endings };
}

function contradiction(job: Asked, end: Said, there: Held | undefined): string | undefined {
  if (end.state === 'CANCELED' && !job.canceled) return 'nobody canceled it';
  if (there === undefined) return end.state === 'CANCELED' ? undefined : 'the service never had it';
  if (end.externalId !== null && end.externalId !== there.id)
    return `it names ${end.externalId}, the service ${there.id}`;
  if (end.state !== there.status) return `the service says ${there.status}`;
  if (end.state === 'COMPLETED' && end.text !== job.text) return `its text is ${JSON.stringify(end.text)}`;
  if (end.state === 'FAILED' && job.text !== null) return 'its document is fine';
  return undefined;
}
