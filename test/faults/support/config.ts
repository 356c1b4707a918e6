/** Sections for fault tests: quick like the other tests', a gate that is no bottleneck, and retries as in production. */
export const FAULT_SECTIONS = (sandboxUrl: string): string => `service:
  base_url: ${sandboxUrl}
  version: v3
  timeouts: { connect_ms: 500, read_ms: 400, total_ms: 1200 }
  retry: { max_attempts: 8, backoff_ms: '50,100,200,400' }
  rate_limit: { qps_cap: 200 }
polling: { grace_ms: 300, initial_ms: 100, factor: 1.5, max_ms: 800 }`;
