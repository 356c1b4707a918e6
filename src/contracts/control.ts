/** The control state of one integration: what decides which jobs go where. Lives in the workflow `integration/<service>`. */
export interface ControlState {
  /** Off by default: without it, nothing but the allow list is admitted. */
  readonly enabled: boolean;
  /** Share of units admitted, in basis points: 0 to 10,000. */
  readonly weightBps: number;
  /** What units are bucketed with; fixed for a rollout, retries included. */
  readonly salt: string;
  /** Units admitted whatever the weight. */
  readonly allow: readonly string[];
  /** Units never admitted. */
  readonly deny: readonly string[];
  readonly budget: Budget;
  /** The rollout stage in force, kept in each job's history. */
  readonly stage?: string;
  /** Set while a rollout watches this weight. */
  readonly lease?: Lease;
  /** Counts changes, from 0. */
  readonly revision: number;
  /** The last change. */
  readonly changed?: Change;
}

/** Who watches a weight, and what holds once nobody does any more. */
export interface Lease {
  /** The rollout that renews it. */
  readonly holder: string;
  /** Epoch milliseconds. */
  readonly untilMs: number;
  readonly safeWeightBps: number;
  readonly safeAllow: readonly string[];
}

/** Signal `(renewal)` of the `integration` workflow; one of another holder, or an earlier time, changes nothing. */
export const RENEW_LEASE_SIGNAL = 'renewLease';
export type LeaseRenewal = Pick<Lease, 'holder' | 'untilMs'>;

/**
 * A lease that has run out is honoured this long, in milliseconds, from the first moment the workflow gets to see it: after an
 * outage of Temporal itself the rollout is back as well and renews it.
 */
export const LEASE_GRACE_MS = 60_000;

/** Spending limits in integer micro-dollars; an absent one is no limit. */
export interface Budget {
  readonly hourlyMicros?: number;
  readonly dailyMicros?: number;
}

/** Who changed what and why. `actor` is a statement, not a proof: Temporal's authorization decides who may. */
export interface Change {
  readonly actor: string;
  readonly reason: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
  /** What was changed, in words. */
  readonly what: string;
}

/** What every change carries. A stale `expectedRevision` is refused, naming both. */
export interface ChangeRequest {
  readonly actor: string;
  readonly reason: string;
  readonly expectedRevision?: number;
}

/** Off: what holds until somebody enables the integration. */
export const INITIAL_CONTROL: ControlState = {
  enabled: false,
  weightBps: 10_000,
  salt: 'r1',
  allow: [],
  deny: [],
  budget: {},
  revision: 0,
};

/** Workflow id of an integration's control state. */
export function integrationWorkflowId(service: string): string {
  return `integration/${service}`;
}

/** Workflow id of a service's gate. */
export function gateWorkflowId(service: string): string {
  return `gate/${service}`;
}

export const INTEGRATION_WORKFLOW = 'integration';

/** Updates of the `integration` workflow; each takes one argument, answers with the new state, and is validated first. */
export const CONTROL_UPDATES = {
  enable: 'enable',
  disable: 'disable',
  setWeight: 'setWeight',
  setBudget: 'setBudget',
  allow: 'allow',
  deny: 'deny',
} as const;

/** Arguments of {@link CONTROL_UPDATES}. */
export interface ControlChanges {
  readonly enable: ChangeRequest;
  readonly disable: ChangeRequest;
  /** Without a lease, one that is there ends: whoever says so takes over. */
  readonly setWeight: ChangeRequest & {
    readonly weightBps: number;
    readonly stage?: string;
    /** Replaces the allow list. */
    readonly allow?: readonly string[];
    readonly enabled?: boolean;
    readonly lease?: Lease;
  };
  readonly setBudget: ChangeRequest & { readonly budget: Budget };
  /** Replaces the list. */
  readonly allow: ChangeRequest & { readonly units: readonly string[] };
  /** Replaces the list. */
  readonly deny: ChangeRequest & { readonly units: readonly string[] };
}
export type ControlUpdate = keyof ControlChanges;

/** Memo of the `integration` workflow: its state, for anyone to read without a worker. */
export interface IntegrationMemo {
  readonly control: ControlState;
}

/** Argument of the `integration` workflow. */
export interface IntegrationInput {
  readonly service: string;
  /** Carried over from the run before. @default INITIAL_CONTROL */
  readonly control?: ControlState;
  /** Continue as new after so many changes, sooner than the server suggests. */
  readonly changesPerRun?: number;
}
