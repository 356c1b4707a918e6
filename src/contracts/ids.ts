/** The rule for a caller's idempotency key: 1 to 200 printable ASCII characters without spaces, quotes or backslashes. */
export const KEY_PATTERN = /^[!#-&(-[\]-~]{1,200}$/;
/** The rule for a service's short name, which becomes part of workflow ids, queue names and paths. */
export const SERVICE_PATTERN = /^[a-z][a-z0-9-]{1,38}[a-z0-9]$/;

/** Identifies one job: the service, the caller's key, and which deliberate attempt at it (from 1). */
export interface JobRef {
  readonly service: string;
  readonly key: string;
  readonly generation: number;
}

/** Workflow id of a job. Every generation of a key is a run of the same workflow id. */
export function jobWorkflowId(service: string, key: string): string {
  return `${service}/${key}`;
}

/** Splits a job's workflow id; `undefined` when it is not one. */
export function parseJobWorkflowId(workflowId: string): { service: string; key: string } | undefined {
  const slash = workflowId.indexOf('/');
  if (slash < 1) return undefined;
  const service = workflowId.slice(0, slash);
  const key = workflowId.slice(slash + 1);
  return SERVICE_PATTERN.test(service) && KEY_PATTERN.test(key) ? { service, key } : undefined;
}

/** Our reference for a job, sent to the service and echoed by it: `<key>~<generation>`. */
export function jobReference(job: JobRef): string {
  return `${job.key}~${job.generation}`;
}

/** Reads a reference back; `undefined` when it is not one of ours. */
export function parseJobReference(reference: string): { key: string; generation: number } | undefined {
  const tilde = reference.lastIndexOf('~');
  if (tilde < 1) return undefined;
  const digits = reference.slice(tilde + 1);
  const key = reference.slice(0, tilde);
  if (!/^[1-9]\d{0,8}$/.test(digits) || !KEY_PATTERN.test(key)) return undefined;
  return { key, generation: Number(digits) };
}
