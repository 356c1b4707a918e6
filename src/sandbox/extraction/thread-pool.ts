import { Worker } from 'node:worker_threads';
import type { SandboxLogger } from '../logger.ts';
import type { Extraction } from './document.ts';

export interface ThreadPoolOptions {
  /** The thread's script: takes bytes, posts back one {@link Extraction}. */
  readonly script: URL;
  readonly threads: number;
  /** Time limit of one document, from the moment a thread takes it. */
  readonly timeoutMs: number;
  readonly logger: SandboxLogger;
}

/** A few threads that read one document each at a time. */
export interface ThreadPool {
  /** Queues a document. Takes ownership of the bytes. Never rejects: a thread that dies or hangs costs only this document. */
  readonly run: (bytes: Uint8Array<ArrayBuffer>) => Promise<Extraction>;
  /** Ends the threads. What they were reading stays unanswered. */
  readonly close: () => Promise<void>;
}

const MAX_HEAP_MB = 768;

interface Task {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly finish: (extraction: Extraction) => void;
}

const quote = (url: string): string => JSON.stringify(url);

/**
 * A thread inherits neither a test runner's transforms nor, on Node 20, a loader given by `--import`.
 * So a TypeScript script is started by a line of JavaScript that registers tsx first; a compiled one starts as it is.
 */
function startThread(script: URL): Worker {
  const options = { execArgv: [], resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB } };
  if (!script.pathname.endsWith('.ts')) return new Worker(script, options);
  const loader = import.meta.resolve('tsx/esm/api');
  const boot = `import(${quote(loader)}).then(({ register }) => { register(); return import(${quote(script.href)}); })`;
  return new Worker(boot, { ...options, eval: true });
}

/** Creates the pool; a thread starts with the first document that finds none idle. */
export function createThreadPool(options: ThreadPoolOptions): ThreadPool {
  const waiting: Task[] = [];
  const idle: Worker[] = [];
  const all = new Set<Worker>();
  let closed = false;

  const start = (): Worker => {
    const worker = startThread(options.script);
    all.add(worker);
    worker.unref();
    worker.on('error', (error) => options.logger.warn({ error: String(error) }, 'extraction thread died'));
    worker.once('exit', () => {
      all.delete(worker);
      const index = idle.indexOf(worker);
      if (index !== -1) idle.splice(index, 1);
      next();
    });
    return worker;
  };

  const work = (worker: Worker, task: Task): void => {
    const settle = (extraction: Extraction, reusable: boolean): void => {
      clearTimeout(limit);
      if (closed) return;
      worker.off('message', onMessage);
      worker.off('exit', onExit);
      if (reusable) idle.push(worker);
      task.finish(extraction);
      next();
    };
    const onMessage = (extraction: Extraction): void => settle(extraction, true);
    const onExit = (): void =>
      settle({ ok: false, code: 'EXTRACTION_CRASHED', message: 'Reading the document crashed the reader.' }, false);
    const limit = setTimeout(() => {
      settle(
        { ok: false, code: 'EXTRACTION_TIMEOUT', message: `Reading took longer than ${options.timeoutMs} ms.` },
        false,
      );
      void worker.terminate();
    }, options.timeoutMs);
    worker.once('message', onMessage);
    worker.once('exit', onExit);
    worker.postMessage(task.bytes, [task.bytes.buffer]);
  };

  const next = (): void => {
    while (idle.length > 0 || all.size < options.threads) {
      const task = waiting.shift();
      if (task === undefined) return;
      work(idle.pop() ?? start(), task);
    }
  };

  return {
    run: (bytes) =>
      new Promise((resolve) => {
        waiting.push({ bytes, finish: resolve });
        next();
      }),
    close: async () => {
      closed = true;
      waiting.length = 0;
      await Promise.all([...all].map((worker) => worker.terminate()));
    },
  };
}
