/** An integration's declared prices, in integer micro-dollars. */
export interface Prices {
  readonly perJobMicros: number;
  readonly perRequestMicros: number;
}

/** What one job did that costs money. */
export interface JobUsage {
  /** The service accepted the job. */
  readonly accepted: boolean;
  /** What the service says it charged; takes the place of the declared price of the job. */
  readonly chargedMicros?: number;
  /** Requests sent: submits, polls, fetches; failed ones included. */
  readonly requests: number;
}

/** Cost of a job in integer micro-dollars. */
export function jobCostMicros(prices: Prices, usage: JobUsage): number {
  const job = usage.chargedMicros ?? (usage.accepted ? prices.perJobMicros : 0);
  return job + usage.requests * prices.perRequestMicros;
}
