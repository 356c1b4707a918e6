import type { Integration, ServiceConfig } from '../../definition/index.ts';

/** What a job is expected to cost, in micro-dollars: as configured, else as declared. */
export function jobPriceMicros({ cost: declared }: Integration, { cost }: ServiceConfig): number {
  return cost.per_job_usd === undefined ? declared.perJobMicros : Math.round(cost.per_job_usd * 1e6);
}
