import type { KeptJob } from '../contracts/batch.ts';
import type { ErrorCode } from '../contracts/errors.ts';
import type {
  Admission,
  JobObservation,
  JobOutcome,
  JobRequest,
  JobStatus,
  Submitted,
  WebhookHint,
} from '../contracts/jobs.ts';
import { isTerminal, type JobState, type ObservedState, type TerminalState } from '../contracts/states.ts';
import { jobCostMicros } from '../rules/cost.ts';
import { observed, transition, type JobEvent } from '../rules/state-machine.ts';

/** Terminal hints one job follows up: a flood of webhooks must not grow its history. Polling goes on regardless. */
const MAX_HINTS = 16;

export type Admitted = Extract<Admission, { admitted: true }>;

/** All one job knows about itself. Holds no promise and calls nothing: the workflow moves it, queries and tests read it. */
export class JobProgress {
  state: JobState = 'CREATED';
  externalId: string | null = null;
  admitted: Admitted | undefined;
  /** One sentence: what the job is doing or waiting for. */
  activity = 'Asking for admission.';
  polls = 0;
  webhooks = 0;
  error: { readonly code: ErrorCode; readonly message: string } | null = null;
  observation: JobObservation | undefined;
  /** We are canceling it at the service: that it is canceled there is then our doing, and whoever asked says why. */
  cancelAsked = false;

  private requests = 0;
  private readonly hints: WebhookHint[] = [];
  private readonly seenEvents = new Set<string>();

  readonly request: JobRequest;
  readonly workflowId: string;
  /** Acceptance, epoch milliseconds. */
  readonly startedAtMs: number;

  constructor(request: JobRequest, workflowId: string, startedAtMs: number) {
    this.request = request;
    this.workflowId = workflowId;
    this.startedAtMs = startedAtMs;
  }

  /** What the next run of its workflow needs to go on with it. */
  keep(): KeptJob {
    return {
      ...(this.externalId === null ? {} : { externalId: this.externalId }),
      ...(this.observation === undefined ? {} : { word: this.observation.word }),
      requests: this.requests,
      polls: this.polls,
      webhooks: this.webhooks,
      ...(this.hints.length === 0 ? {} : { hints: this.hints }),
      ...(this.seenEvents.size === 0 ? {} : { seen: [...this.seenEvents] }),
    };
  }

  /** Goes on where the run before left it. */
  resume({ externalId, word, requests, polls, webhooks, hints = [], seen = [] }: KeptJob): void {
    this.requests = requests;
    this.polls = polls;
    this.webhooks = webhooks;
    this.hints.push(...hints);
    for (const event of seen) this.seenEvents.add(event);
    if (externalId === undefined) return;
    this.accept({ externalId, requests: 0, observation: { state: 'PROCESSING', word: word ?? '' } });
  }

  /** Requests of a submit that came to nothing. */
  sent(requests: number): void {
    this.requests += requests;
  }

  get over(): boolean {
    return isTerminal(this.state);
  }

  apply(event: JobEvent): void {
    this.state = transition(this.state, event);
  }

  /** The service has the job. */
  accept(submitted: Submitted): void {
    this.externalId = submitted.externalId;
    this.requests += submitted.requests;
    this.apply('accepted');
    this.observe(submitted.observation);
  }

  /** Takes over what the service itself says. */
  observe(observation: JobObservation): void {
    if (this.over) return;
    this.observation = observation;
    if (this.cancelAsked && observation.state === 'CANCELED') return;
    this.apply(observed(observation.state));
    if (observation.state === 'FAILED') {
      const { code, message } = observation.error ?? { code: observation.word, message: 'no reason given' };
      this.error = { code: 'REMOTE_FAILED', message: `${this.request.service} reports ${code}: ${message}` };
    } else if (observation.state === 'CANCELED') {
      this.error = { code: 'REMOTE_CANCELED', message: `${this.request.service} reports ${observation.word}.` };
    }
  }

  /** FAILED for a reason of ours. */
  giveUp(code: ErrorCode, message: string): void {
    if (this.over) return;
    this.apply('gave-up');
    this.error = { code, message };
  }

  /** CANCELED because somebody asked for it. */
  withdraw(message: string): void {
    if (this.over) return;
    this.apply('withdrawn');
    this.error = { code: 'CANCELED', message };
  }

  /** Counts a webhook and keeps what is worth following up: terminal, of this generation, new, and not too many. */
  hinted(hint: WebhookHint): void {
    if (!hint.swept) this.webhooks += 1;
    if (this.over || hint.state === 'PROCESSING') return;
    if (hint.generation !== undefined && hint.generation !== this.request.generation) return;
    if (this.seenEvents.size >= MAX_HINTS || this.seenEvents.has(hint.eventId)) return;
    this.seenEvents.add(hint.eventId);
    this.hints.push(hint);
    this.apply('hinted');
  }

  /** True while a webhook waits whose payload is declared sufficient. */
  get hasTrusted(): boolean {
    return this.hints.some((hint) => this.isTrusted(hint));
  }

  /** What the next such webhook says. */
  takeTrusted(): JobObservation | undefined {
    return this.take((hint) => this.isTrusted(hint))?.observation;
  }

  /** True while a webhook waits to be followed up by a look. */
  get hasHint(): boolean {
    return this.hints.some((hint) => this.isHint(hint));
  }

  /** The state the next such webhook claims. */
  takeHint(): ObservedState | undefined {
    return this.take((hint) => this.isHint(hint))?.state;
  }

  private take(wanted: (hint: WebhookHint) => boolean): WebhookHint | undefined {
    const index = this.hints.findIndex(wanted);
    return index < 0 ? undefined : this.hints.splice(index, 1)[0];
  }

  private isTrusted(hint: WebhookHint): boolean {
    return hint.observation !== undefined && this.concernsThisJob(hint);
  }

  private isHint(hint: WebhookHint): boolean {
    return hint.observation === undefined && this.concernsThisJob(hint);
  }

  private concernsThisJob(hint: WebhookHint): boolean {
    return hint.externalId === undefined || this.externalId === null || hint.externalId === this.externalId;
  }

  costMicros(): number {
    const prices = this.admitted?.policy.prices ?? { perJobMicros: 0, perRequestMicros: 0 };
    const charged = this.observation?.costMicros;
    return jobCostMicros(prices, {
      accepted: this.externalId !== null,
      requests: this.requests + this.polls,
      ...(charged === undefined ? {} : { chargedMicros: charged }),
    });
  }

  status(): JobStatus {
    const { service, key, generation } = this.request;
    return {
      service,
      key,
      generation,
      workflowId: this.workflowId,
      state: this.state,
      externalId: this.externalId,
      route: this.admitted?.route ?? null,
      polls: this.polls,
      webhooks: this.webhooks,
      activity: this.activity,
    };
  }

  /** How the job ended; call it only once it is over. */
  outcome(nowMs: number): JobOutcome {
    const { service, key, generation } = this.request;
    return {
      service,
      key,
      generation,
      workflowId: this.workflowId,
      externalId: this.externalId,
      state: this.state as TerminalState,
      route: this.admitted?.route ?? null,
      result: this.state === 'COMPLETED' ? (this.observation?.result ?? null) : null,
      ...(this.observation?.parts === undefined ? {} : { parts: this.observation.parts }),
      error: this.error,
      polls: this.polls,
      webhooks: this.webhooks,
      latencyMs: Math.max(0, nowMs - this.startedAtMs),
      costMicros: this.costMicros(),
    };
  }
}
