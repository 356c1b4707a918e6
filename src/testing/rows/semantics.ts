import { RequestFailed } from '../../http/types.ts';
import { ask } from './contract.ts';
import type { Row } from './row.ts';
import {
  acceptedOf,
  endedAs,
  holds,
  latest,
  NotConformant,
  received,
  runOne,
  same,
  submitPlace,
  whileFaulty,
} from './support.ts';

const SLOW = { processing: { minMs: 60_000, maxMs: 60_000 } };
const NO_CANCEL = 'the service offers no way to cancel a job';

/** A body without the first of its fields. */
function withoutFirst(json: unknown): unknown {
  const [, ...rest] = Object.entries(json ?? {});
  return Object.fromEntries(rest);
}

export const SEMANTIC_ROWS: readonly Row[] = [
  {
    id: 'H1',
    layer: 'semantics',
    title: 'a valid job is COMPLETED with a result that fits',
    live: true,
    run: async (bench) => {
      const outcome = await bench.ended(await bench.start(await bench.nextInput()));
      endedAs(outcome, 'COMPLETED');
      bench.subject.integration.result.parse(outcome.result);
      return { latencyMs: outcome.latencyMs, costMicros: outcome.costMicros };
    },
  },
  {
    id: 'H2',
    layer: 'semantics',
    title: 'of a valid job the service sees one accepted submit',
    run: async (bench) => {
      const { value, submits } = await whileFaulty(bench, {}, () => runOne(bench));
      endedAs(value, 'COMPLETED');
      same('submits', submits.length, 1);
      same('accepted submits', acceptedOf(submits), 1);
    },
  },
  {
    id: 'H3',
    layer: 'semantics',
    title: 'from acceptance to the end, every word the service says on the way is known',
    run: async (bench) => {
      const { status, states } = bench.runtime.integration;
      await whileFaulty(bench, { processing: { minMs: 600, maxMs: 600 } }, async () => {
        const job = await bench.start(await bench.nextInput());
        const { externalId } = await job.waitUntilAccepted();
        for (let state: string | undefined = 'PROCESSING'; state === 'PROCESSING'; await pause(40)) {
          const { word } = await ask(bench, status, { externalId }, 'poll');
          state = states[word];
          holds(`the service says ${JSON.stringify(word)}`, state !== undefined);
        }
        endedAs(await bench.ended(job), 'COMPLETED');
      });
    },
  },
  {
    id: 'E1',
    layer: 'semantics',
    title: 'an invalid payload: refused by the service, the job FAILED with its code, exactly one submit',
    run: async (bench) => {
      const key = bench.newKey();
      bench.spoil(key, withoutFirst);
      const { value, submits } = await whileFaulty(bench, {}, () => runOne(bench, key));
      same('the state', value.state, 'FAILED');
      same('submits', submits.length, 1);
      holds(
        `answered ${submits[0]?.status}, which is no refusal`,
        [400, 404, 415, 422].includes(submits[0]?.status ?? 0),
      );
      const code = value.error?.code;
      holds(`the code is ${code}`, code === 'VALIDATION' || code === 'UNSUPPORTED_MEDIA_TYPE' || code === 'NOT_FOUND');
    },
  },
  {
    id: 'F1',
    layer: 'semantics',
    title: 'a job the service cannot do is FAILED with REMOTE_FAILED and the service’s own code',
    live: true,
    inapplicable: (_, hasFailingSample) => (hasFailingSample ? undefined : 'its samples name no job that fails'),
    run: async (bench) => {
      const { failing } = bench.subject.samples;
      if (failing === undefined) throw new NotConformant('there is no failing sample');
      const outcome = await bench.ended(await bench.start(await bench.inputOf(failing)));
      endedAs(outcome, 'FAILED', 'REMOTE_FAILED');
      holds(`the error does not name ${failing.code}`, outcome.error?.message.includes(failing.code) === true);
    },
  },
  {
    id: 'I1',
    layer: 'semantics',
    title: 'the same key again is the same job; with other input it is refused',
    live: true,
    run: async (bench) => {
      const input = await bench.nextInput();
      const key = bench.newKey();
      const [first, again] = await Promise.all([bench.start(input, key), bench.start(input, key)]);
      const [outcome, repeated] = await Promise.all([bench.ended(first), bench.ended(again)]);
      endedAs(outcome, 'COMPLETED');
      same('the answer to the same key', repeated, outcome);
      const refused: unknown = await bench.start(await bench.nextInput(), key).catch((error: unknown) => error);
      same('the code for other input', (refused as { code?: string }).code, 'IDEMPOTENCY_KEY_REUSED');
    },
  },
  {
    id: 'X1',
    layer: 'semantics',
    title: 'cancel: a job at the service is CANCELED here and there',
    inapplicable: ({ cancel }) => (cancel === undefined ? NO_CANCEL : undefined),
    run: async (bench) => {
      await whileFaulty(bench, SLOW, async () => {
        const job = await bench.start(await bench.nextInput());
        const { externalId } = await job.waitUntilAccepted();
        await job.cancel();
        endedAs(await bench.ended(job), 'CANCELED', 'CANCELED');
        const { status, states } = bench.runtime.integration;
        const { word } = await ask(bench, status, { externalId }, 'poll');
        same('what the service says of it', states[word], 'CANCELED');
      });
    },
  },
  {
    id: 'X2',
    layer: 'semantics',
    title: 'cancel: a job that was never sent is CANCELED and the service never hears of it',
    run: async (bench) => {
      const place = await submitPlace(bench);
      const refuse = { kind: 'error' as const, ...place, status: 429, retryAfterS: 2, count: 1 };
      const { value, submits } = await whileFaulty(bench, { rules: [refuse] }, async () => {
        const since = latest(bench);
        const job = await bench.start(await bench.nextInput());
        while (!received(bench, place, since).some(({ status }) => status === 429)) await pause(20);
        await job.cancel();
        return bench.ended(job);
      });
      endedAs(value, 'CANCELED', 'CANCELED');
      same('accepted submits', acceptedOf(submits), 0);
    },
  },
  {
    id: 'X3',
    layer: 'semantics',
    title: 'cancel: a job somebody canceled at the service is CANCELED here',
    inapplicable: ({ cancel }) => (cancel === undefined ? NO_CANCEL : undefined),
    run: async (bench) => {
      await whileFaulty(bench, SLOW, async () => {
        const job = await bench.start(await bench.nextInput());
        const { externalId } = await job.waitUntilAccepted();
        const { cancel } = bench.runtime.integration;
        if (cancel !== undefined) await ask(bench, cancel, { externalId }, 'cancel');
        const { state, error } = await bench.ended(job);
        holds(`the job ended ${state} (${error?.message}), not CANCELED`, state === 'CANCELED');
      });
    },
  },
  {
    id: 'X4',
    layer: 'semantics',
    title: 'a job that is over keeps its end: it cannot be canceled any more',
    run: async (bench) => {
      const job = await bench.start(await bench.nextInput());
      const outcome = await bench.ended(job);
      const { cancel } = bench.runtime.integration;
      const target = { externalId: outcome.externalId ?? '' };
      try {
        if (cancel !== undefined) await ask(bench, cancel, target, 'cancel');
      } catch (error) {
        if (!(error instanceof RequestFailed)) throw error;
      }
      await job.cancel();
      same('the answer afterwards', await bench.ended(job), outcome);
    },
  },
  {
    id: 'D1',
    layer: 'semantics',
    title: 'deadline: a job that takes too long is FAILED with DEADLINE_EXCEEDED, and canceled at the service',
    run: async (bench) => {
      // Long enough to be at the service by then on a machine that is busy.
      const outcome = await bench.under({ deadlineMs: 2_000 }, () =>
        whileFaulty(bench, SLOW, () => runOne(bench)).then(({ value }) => value),
      );
      endedAs(outcome, 'FAILED', 'DEADLINE_EXCEEDED');
      const { status, states, cancel } = bench.runtime.integration;
      if (cancel === undefined) return;
      const { externalId } = outcome;
      if (externalId === null) throw new NotConformant('The job was not at the service when its deadline came.');
      const { word } = await ask(bench, status, { externalId }, 'poll');
      same('what the service says of it', states[word], 'CANCELED');
    },
  },
  {
    id: 'P1',
    layer: 'semantics',
    title: 'pagination: page by page every job is met, and none twice',
    inapplicable: ({ list }) => (list === undefined ? 'the service offers no list' : undefined),
    run: async (bench) => {
      const outcomes = await Promise.all([1, 2, 3, 4, 5].map(() => runOne(bench)));
      const { list } = bench.runtime.integration;
      if (list === undefined) return;
      const met: string[] = [];
      for (let cursor: string | undefined, pages = 0; pages < 1_000; pages += 1) {
        const context = { limit: 2, ...(cursor === undefined ? {} : { cursor }) };
        const page: { jobs: readonly { externalId: string }[]; next?: string } = await ask(
          bench,
          list,
          context,
          'list',
        );
        met.push(...page.jobs.map(({ externalId }) => externalId));
        cursor = page.next;
        if (cursor === undefined) break;
      }
      same('jobs met twice', met.length - new Set(met).size, 0);
      const missed = outcomes.filter(({ externalId }) => !met.includes(externalId ?? ''));
      same('jobs never met', missed.length, 0);
    },
  },
  {
    id: 'K1',
    layer: 'semantics',
    title: 'clock skew: with the service’s clock ten minutes ahead or behind a job is COMPLETED all the same',
    run: async (bench) => {
      for (const clockOffsetMs of [600_000, -600_000]) {
        const { value } = await whileFaulty(bench, { clockOffsetMs }, () => runOne(bench));
        endedAs(value, 'COMPLETED');
      }
    },
  },
];

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
