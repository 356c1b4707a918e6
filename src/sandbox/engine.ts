import { createHash } from 'node:crypto';
import type { ServiceClock } from './clock.ts';
import type { Extraction } from './extraction/document.ts';
import type { Extractor } from './extraction/extractor.ts';
import { renderResult } from './extraction/render-result.ts';
import { newId } from './ids.ts';
import type { SandboxLogger } from './logger.ts';
import type { Prng } from './prng.ts';
import { inlineText } from './shape/inline-text.ts';
import type { InlineText } from './shape/shape.ts';
import type { BlobStore } from './state/blobs.ts';
import type { Change, Delivery, Job } from './state/entities.ts';
import type { Store } from './state/store.ts';

export interface EngineDependencies {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly extractor: Extractor;
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
type NewJob = Pick<Job, 'clientId' | 'key' | 'input' | 'format' | 'callbackUrl' | 'reference'> & {
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

  const complete = async (job: Job, pages: readonly string[]): Promise<void> => {
    const { bytes, contentType, characters } = renderResult(pages, job.format);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await blobs.put(sha256, bytes);
    if (!isUnderWay(job.id)) return;
    const artifactId = `art_${job.id}`;
    const result = { artifactId, sha256, bytes: bytes.length, contentType, pages: pages.length, characters };
    end(job, { state: 'completed', result, error: null }, inlineText(job.format, bytes));
  };

  const read = (job: Job): Promise<Extraction> => {
    const file = store.get('file', job.input);
    if (file === undefined) throw new Error('the input is not in the state file');
    return deps.extractor.extract(file.sha256, file.media, () => blobs.get(file.sha256));
  };

  const work = async (job: Job): Promise<void> => {
    try {
      const extraction = await read(job);
      if (!isUnderWay(job.id)) return;
      if (extraction.ok) await complete(job, extraction.pages);
      else fail(job, extraction.code, extraction.message);
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
      const job: Job = {
        ...wanted,
        id: wanted.id ?? newId('job'),
        state: 'processing',
        createdAtMs: nowMs,
        updatedAtMs: nowMs,
        revision: store.nextRevision(),
        dueAtMs: Date.now() + Math.round(minMs + deps.prng() * (maxMs - minMs)),
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
