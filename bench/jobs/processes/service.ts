/**
 * The bench's external service, as light as can be: takes jobs, sends one signed webhook a job after a while, and counts. A job without
 * a callback is over at its tenth GET. `GET /stats` says what came; argument 1 is the port and how long a job takes, milliseconds.
 */
import { createServer } from 'node:http';
import { Agent, request as send } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { WEBHOOK_SECRET } from '../benched.ts';

/** What `GET /stats` answers. */
export interface ServiceStats {
  readonly requests: number;
  /** When a job's webhook was sent, epoch milliseconds, by our reference. */
  readonly doneAt: Readonly<Record<string, number>>;
}

const { port, workMs } = JSON.parse(process.argv[2] ?? '') as { readonly port: number; readonly workMs: number };
/** GETs after which a job without webhook is over. */
const POLLS = 10;

interface Job {
  readonly id: string;
  readonly reference: string;
  readonly callback: string | null;
  done: boolean;
  gets: number;
}

process.stdin.once('end', () => process.exit(1)).resume();
const jobs = new Map<string, Job>();
const byKey = new Map<string, Job>();
let doneAt: Record<string, number> = {};
let requests = 0;
const agent = new Agent({ keepAlive: true });
const webhooks = new Webhook(WEBHOOK_SECRET);
const shown = ({ id, reference, done }: Job): object => ({
  id,
  reference,
  status: done ? 'DONE' : 'RUNNING',
  ...(done ? { result: { text: 'done' } } : {}),
});

function finish(job: Job): void {
  job.done = true;
  if (job.callback === null) return;
  const body = JSON.stringify({ type: 'job.completed', data: shown(job) });
  const at = new Date();
  doneAt[job.reference] = at.getTime();
  const headers = {
    'content-type': 'application/json',
    'webhook-id': `evt_${job.id}`,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': webhooks.sign(`evt_${job.id}`, at, body),
  };
  const outgoing = send(job.callback, { agent, method: 'POST', headers }, (answer) => answer.resume());
  outgoing.on('error', (error) => process.stderr.write(`webhook of ${job.reference}: ${error.message}\n`));
  outgoing.end(body);
}

createServer((incoming, outgoing) => {
  let text = '';
  incoming.on('data', (chunk: Buffer) => (text += chunk.toString()));
  incoming.on('end', () => {
    const answer = (status: number, body: object): void =>
      void outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (incoming.url === '/stats') {
      answer(200, { requests, doneAt });
      doneAt = {};
      requests = 0;
      return;
    }
    requests += 1;
    if (incoming.method === 'GET') {
      const job = jobs.get(incoming.url?.split('/').at(-1) ?? '');
      if (job === undefined) return answer(404, {});
      job.gets += 1;
      if (job.callback === null && job.gets >= POLLS) job.done = true;
      return answer(200, shown(job));
    }
    const key = String(incoming.headers['idempotency-key']);
    const known = byKey.get(key);
    if (known !== undefined) return answer(202, shown(known));
    const { reference, callback } = JSON.parse(text) as Pick<Job, 'reference' | 'callback'>;
    const job: Job = { id: `j${jobs.size}-${Date.now().toString(36)}`, reference, callback, done: false, gets: 0 };
    jobs.set(job.id, job);
    byKey.set(key, job);
    answer(202, shown(job));
    if (callback !== null) setTimeout(() => finish(job), workMs);
  });
}).listen(port, '127.0.0.1', () => process.stdout.write('ready\n'));
