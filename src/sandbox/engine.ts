import { createHash } from 'node:crypto';
import type { ServiceClock } from './clock.ts';
import { newId } from './ids.ts';
import type { SandboxLogger } from './logger.ts';
import type { Prng } from './prng.ts';
import type { InlineText } from './shape/shape.ts';
import type { BlobStore } from './state/blobs.ts';
import type { Change, Delivery, Job } from './state/entities.ts';
import type { Store } from './state/store.ts';
import type { Work, WorkOutcome } from './work/work.ts';

export interface EngineDependencies {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly work: Work;
  readonly clock: ServiceClock;
  readonly prng: Prng;
  readonly logger: SandboxLogger;
  readonly processing: { readonly minMs: number; readonly maxMs: number };
  readonly costMicros: number;
  /** The webhook that tells of the job's new state, if anyone is to be told. */
  readonly announce: (job: Job, inline: InlineText) => Delivery | undefined;
  /** Called once the webhook is safely written down. */
  readonly deliver: (delivery: Delivery) => void;
}

/** What a job is made from. */
type NewJob = Pick<
  Job,
  'clientId' | 'key' | 'input' | 'format' | 'callbackUrl' | 'reference' | 'fields' | 'fingerprint' | 'traceparent'
> & {
  /** Chosen by the client; otherwise made here. */
  readonly id?: string;
};

/** The work itself: jobs from acceptance to their end, whatever API is in front of them. */
export interface Engine {
  /** Accepts a job; `alongside` makes further changes that are written in the same transaction. */
  readonly submit: (job: NewJob, alongside: (job: Job) => readonly Change[]) => Job;
  /** Cancels a job that is still under way; undefined when it has ended. */
  readonly cancel: (id: string) => Job | undefined;
  /** Takes up the jobs an earlier run left unfinished. */
  readonly resume: () => void;
  readonly close: () => void;
}

type Ending = Pick<Job, 'state' | 'result' | 'error'>;

export function createEngine(deps: EngineDependencies): Engine {
  const { store, blobs, clock } = deps;
  const timers = new Map<string, NodeJS.Timeout>();
  let closed = false;

  const isUnderWay = (id: string): boolean => !closed && store.get('job', id)?.state === 'processing';

  /** Writes the job and its webhook in one transaction, so that neither can exist without the other. */
  const record = (job: Job, inline: InlineText = {}, more: readonly Change[] = []): Job => {
    const delivery = deps.announce(job, inline);
    const announced: Change[] = delivery === undefined ? [] : [['delivery', delivery.id, delivery]];
    store.commit([['job', job.id, job], ...more, ...announced]);
    if (delivery !== undefined) deps.deliver(delivery);
    return job;
  };

  const end = (job: Job, ending: Ending, inline: InlineText = {}): Job =>
    record({ ...job, ...ending, updatedAtMs: clock.now(), revision: store.nextRevision() }, inline);

  const fail = (job: Job, code: string, message: string): Job =>
    end(job, { state: 'failed', result: null, error: { code, message } });

  const complete = async (job: Job, done: Extract<WorkOutcome, { ok: true }>): Promise<void> => {
    const { bytes, contentType, facts, inline } = done;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await blobs.put(sha256, bytes);
    if (!isUnderWay(job.id)) return;
    const result = { ...facts, artifactId: `art_${job.id}`, sha256, bytes: bytes.length, contentType };
    end(job, { state: 'completed', result, error: null }, inline);
  };

  const work = async (job: Job): Promise<void> => {
    try {
      const outcome = await deps.work.perform(job);
      if (!isUnderWay(job.id)) return;
      if (outcome.ok) await complete(job, outcome);
      else fail(job, outcome.code, outcome.message);
    } catch (error) {
      deps.logger.warn({ job: job.id, error: String(error) }, 'job could not be processed');
      if (isUnderWay(job.id)) fail(job, 'INTERNAL', 'The service could not process the file.');
    }
  };

  const plan = (job: Job): void => {
    const timer = setTimeout(
      () => {
        timers.delete(job.id);
        void work(job);
      },
      Math.max(0, job.dueAtMs - Date.now()),
    );
    timers.set(job.id, timer);
  };

  return {
    submit: (wanted, alongside) => {
      const { minMs, maxMs } = deps.processing;
      const nowMs = clock.now();
      const takesMs = Math.round(minMs + deps.prng() * (maxMs - minMs));
      const job: Job = {
        ...wanted,
        id: wanted.id ?? newId('job'),
        state: 'processing',
        createdAtMs: nowMs,
        updatedAtMs: nowMs,
        revision: store.nextRevision(),
        runsFromMs: Date.now() + Math.floor(takesMs / 2),
        dueAtMs: Date.now() + takesMs,
        costMicros: deps.costMicros,
        result: null,
        error: null,
      };
      record(job, {}, alongside(job));
      plan(job);
      return job;
    },
    cancel: (id) => {
      const job = store.get('job', id);
      if (job === undefined || !isUnderWay(id)) return undefined;
      clearTimeout(timers.get(id));
      timers.delete(id);
      return end(job, { state: 'canceled', result: null, error: null });
    },
    resume: () => {
      for (const job of store.all('job')) if (job.state === 'processing') plan(job);
    },
    close: () => {
      closed = true;
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}
