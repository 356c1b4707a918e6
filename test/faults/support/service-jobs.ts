import { defaultClient } from '../../../src/sandbox/index.ts';
import type { Sandbox } from '../../../src/sandbox/index.ts';

/** A job as the service itself reports it. */
export interface ServiceJob {
  readonly id: string;
  readonly status: string;
  /** Ours: `<key>~<generation>`. */
  readonly reference: string | null;
}

/** All jobs the sandbox holds, read over its API; no fault may be switched on. */
export async function serviceJobs(sandbox: Pick<Sandbox, 'url'>, authorization?: string): Promise<ServiceJob[]> {
  const headers = { authorization: authorization ?? `Bearer ${await token(sandbox)}` };
  const jobs: ServiceJob[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? 'limit=100' : `limit=100&cursor=${encodeURIComponent(cursor)}`;
    const answer = await fetch(`${sandbox.url}/v3/jobs?${query}`, { headers });
    if (!answer.ok) throw new Error(`The sandbox answered its list of jobs with ${answer.status}`);
    const page = (await answer.json()) as { readonly data: ServiceJob[]; readonly next_cursor: string | null };
    jobs.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return jobs;
}

async function token(sandbox: Pick<Sandbox, 'url'>): Promise<string> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: defaultClient.id,
    client_secret: defaultClient.secret,
  });
  const answer = await fetch(`${sandbox.url}/oauth/token`, { method: 'POST', body });
  return String(((await answer.json()) as Record<string, unknown>)['access_token']);
}
