/** Workflow type `(notice: RolloutNotice) => NoticeResult`. */
export const ROLLOUT_NOTICE_WORKFLOW = 'rolloutNotice';

/** Workflow id of the notice of one step of a rollout: each is told once. */
export function rolloutNoticeId({ service, rollout, revision }: RolloutNotice): string {
  return `rollout-notice/${service}/${rollout}/${revision}`;
}

/** One step of a rollout, as people are told of it. */
export interface RolloutNotice {
  readonly service: string;
  /** The rollout's id. */
  readonly rollout: string;
  readonly attempt: number;
  readonly revision: number;
  readonly phase: string;
  readonly stage: string;
  /** The weight in force, or being set, in ten-thousandths. */
  readonly weightBps: number;
  readonly actor: string;
  /** Why, in one sentence. */
  readonly because: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
  /** What the watchers thought then; absent before the first verdict. */
  readonly watchers?: readonly {
    readonly metric: string;
    readonly outcome: string;
    readonly because: string;
    /** Samples it rests on. */
    readonly samples: number;
  }[];
}

/** `unaddressed`: no receiver is configured, so the log has it alone. */
export type NoticeResult = 'delivered' | 'unaddressed';

/** On the queue of the workflows. */
export interface NoticeActivities {
  /**
   * Writes a step into the log and sends it to the receiver that the service's configuration names.
   * @throws ApplicationFailure NOTIFICATION_FAILED until the receiver has taken it
   */
  readonly notify: (notice: RolloutNotice) => Promise<NoticeResult>;
}
