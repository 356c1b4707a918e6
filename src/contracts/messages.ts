/** Workflow types and message names: what client, receiver and workflows agree on. */
export const EXTERNAL_JOB_WORKFLOW = 'externalJob';

/** Signal `(hint: WebhookHint)`. */
export const WEBHOOK_SIGNAL = 'webhook';
/** Query `() => JobStatus`. */
export const STATUS_QUERY = 'status';
/** Update `(fingerprint: string) => JobAccepted`: answers once the service has the job; refuses another input's fingerprint. */
export const ACCEPTED_UPDATE = 'accepted';

/** Memo of a job, readable without a worker. */
export interface JobMemo {
  readonly generation: number;
  readonly fingerprint: string;
  /** Cost attribution, for `playbook cost`. */
  readonly tags?: Readonly<Record<string, string>>;
}
