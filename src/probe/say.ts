import type { Integration, ServiceConfig } from '../definition/index.ts';
import type { BurstFinding } from './burst.ts';
import type { IdempotencyFinding, Repeated } from './idempotency.ts';
import type { FollowedJob, StatesFinding } from './states.ts';

export type ProbeFinding = BurstFinding | StatesFinding | IdempotencyFinding;

/** The gap a probe answers, under the question that `playbook new` writes down. */
export const GAP_OF = {
  burst: { area: 'Rate limits', question: 'What happens to a burst?' },
  states: {
    area: 'Semantics',
    question: 'After a submit, when does the status know the job, and which words does it go through?',
  },
  idempotency: { area: 'Idempotency', question: 'What does a repeated submit give?' },
} as const satisfies Record<ProbeFinding['probe'], { readonly area: string; readonly question: string }>;

/** A finding in words, and what in the integration does not go with it. */
export interface Told {
  readonly finding: string;
  /** Each says what to do. While there is one, the gap stays open. */
  readonly problems: readonly string[];
}

/** Tells a finding, held against what the integration counts on. */
export function tell(finding: ProbeFinding, integration: Integration, config: ServiceConfig): Told {
  switch (finding.probe) {
    case 'burst':
      return tellBurst(finding, config);
    case 'states':
      return tellStates(finding);
    case 'idempotency':
    default:
      return tellIdempotency(finding, integration);
  }
}

function tellBurst({ asked, announced, steps, refusal, after }: BurstFinding, config: ServiceConfig): Told {
  const what = asked === 'list' ? 'Lists' : 'Reads of a status';
  const calm = steps.filter(({ throttled }) => throttled === 0).map(({ perSecond }) => perSecond);
  const loud = steps.find(({ throttled }) => throttled > 0);
  const failed = steps.reduce((sum, step) => sum + step.failed, 0);
  const quiet = calm.length === 0 ? '' : `${what} at ${calm.join(', ')} a second: none throttled.`;
  const refused =
    loud === undefined || refusal === undefined
      ? calm.length === 0
        ? 'Throttled at the first request.'
        : ''
      : `${what} at ${loud.perSecond} a second: ${loud.answered} answered, ${loud.throttled} refused with ${refusal.status}${refusal.serviceCode === undefined ? '' : ` ${refusal.serviceCode}`} (${headerText(refusal.headers)}).`;
  const later =
    after === undefined
      ? ''
      : `${after.waitedMs / 1000} s later ${after.isAnswered ? 'it answers again' : 'it still refuses'}.`;
  const { qps_cap: cap, window_ms: windowMs } = config.service.rate_limit;
  const capPerSecond = (cap * 1000) / windowMs;
  return {
    finding: sentences([
      quiet,
      refused,
      later,
      failed === 0 ? '' : `${failed} requests failed otherwise.`,
      `An answer that is let through says: ${headerText(announced)}.`,
    ]),
    problems:
      loud !== undefined && loud.perSecond <= capPerSecond
        ? [`It throttles at ${loud.perSecond} a second, and service.rate_limit allows ${capPerSecond}: lower qps_cap.`]
        : [],
  };
}

function headerText(headers: Readonly<Record<string, string>>): string {
  const parts = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return parts.length === 0 ? 'no header of limits' : parts.join(', ');
}

function tellStates({ jobs, unknown, unseen }: StatesFinding): Told {
  return {
    finding: sentences([
      ...jobs.map(tellJob),
      unknown.length === 0 ? '' : `Not in the table of states: ${unknown.join(', ')}.`,
      unseen.length === 0 ? '' : `In the table and not seen: ${unseen.join(', ')}.`,
    ]),
    problems: unknown.map(
      (word) => `${JSON.stringify(word)} is not in the integration's states: add it to src/constants.ts.`,
    ),
  };
}

function tellJob({ sample, words, polls, notFound, hasEnded }: FollowedJob): string {
  const name = sample === 'valid' ? 'A sample' : 'One that fails';
  const seen = words.map(({ word, atMs }) =>
    atMs === 0 ? `${word} in the answer` : `${word} after ${(atMs / 1000).toFixed(1)} s`,
  );
  const known = notFound === 0 ? 'known at once' : `not found by the first ${notFound} of`;
  const reads = polls === 0 ? '' : `; ${known}${notFound === 0 ? ',' : ''} ${polls} reads`;
  return `${name}: ${seen.join(', ')}${reads}${hasEnded ? '' : '; it had not ended when the wait was over'}.`;
}

function tellIdempotency(finding: IdempotencyFinding, { submit }: Integration): Told {
  const { policy, again, atOnce, otherBody, jobs } = finding;
  const asked = policy === 'none' ? 'without a key' : 'under one key';
  return {
    finding: sentences([
      `The same submit twice ${asked}: ${gives(again)}.`,
      `Twice at once: ${gives(atOnce)}.`,
      `Another body${policy === 'none' ? '' : ' under it'}: ${gives(otherBody, 'the first job, whatever the body')}.`,
      `${jobs} jobs of 5 submits.`,
    ]),
    problems: policy === 'none' ? [] : idempotencyProblems(finding, submit.sameInput !== undefined),
  };
}

function idempotencyProblems(
  { policy, again, atOnce, otherBody }: IdempotencyFinding,
  comparesInput: boolean,
): string[] {
  const second = [again, atOnce].some(({ gave }) => gave === 'second');
  return [
    ...(second
      ? [
          `The definition counts on ${policy} keys, and a repetition made a second job: correct submit.idempotency, or ask the service.`,
        ]
      : []),
    ...(otherBody.gave === 'same' && !comparesInput
      ? ['The service ignores another body under a key: give submit.sameInput, so that it is noticed.']
      : []),
    ...(otherBody.gave === 'conflict' && otherBody.meant !== 'IDEMPOTENCY_KEY_REUSED'
      ? [
          `Another body is refused with ${said(otherBody)}, which is read as ${otherBody.meant}: add an error rule for IDEMPOTENCY_KEY_REUSED.`,
        ]
      : []),
  ];
}

function gives(repeated: Repeated, same = 'the same job'): string {
  if (repeated.gave === 'same') return same;
  return repeated.gave === 'second' ? 'a second job' : `a conflict (${said(repeated)})`;
}

function said({ status, serviceCode }: Extract<Repeated, { readonly gave: 'conflict' }>): string {
  return `${status}${serviceCode === undefined ? '' : ` ${serviceCode}`}`;
}

function sentences(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}
