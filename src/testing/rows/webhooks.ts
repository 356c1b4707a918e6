import type { Integration } from '../../definition/index.ts';
import type { Bench } from '../bench.ts';
import { postBytes } from '../delivery-log.ts';
import type { DeliveredWebhook } from '../delivery-log.ts';
import type { Row } from './row.ts';
import { endedAs, holds, NotConformant, runOne, same, submitPlace, whileFaulty } from './support.ts';

const inapplicable = ({ webhook }: Integration): string | undefined =>
  webhook === undefined ? 'the definition has no webhooks' : undefined;

/** A job's polls are an hour away: what ends it came as a webhook. */
const HEARD_ONLY = { polling: { grace_ms: 3_600_000, max_ms: 3_600_000 } };

/** A webhook the sandbox really sent, while one more job ran. */
async function oneDelivery(bench: Bench): Promise<DeliveredWebhook> {
  const before = bench.deliveries.all().length;
  endedAs(await bench.under(HEARD_ONLY, () => runOne(bench)), 'COMPLETED');
  const delivery = bench.deliveries
    .all()
    .slice(before)
    .find(({ status }) => status === 200);
  if (delivery === undefined) throw new NotConformant('no webhook was delivered');
  return delivery;
}

export const WEBHOOK_ROWS: readonly Row[] = [
  {
    id: 'W1',
    layer: 'webhooks',
    title: 'a badly signed webhook: 401, discarded; the job hears nothing and is polled',
    inapplicable,
    run: async (bench) => {
      const before = bench.deliveries.all().length;
      const rules = [{ kind: 'webhook-bad-signature' as const }];
      const { value } = await whileFaulty(bench, { rules }, () => runOne(bench));
      endedAs(value, 'COMPLETED');
      same('webhooks the job heard', value.webhooks, 0);
      const answers = bench.deliveries
        .all()
        .slice(before)
        .map(({ status }) => status);
      holds('none was sent', answers.length > 0);
      same('answers to badly signed webhooks', [...new Set(answers)], [401]);
    },
  },
  {
    id: 'W2',
    layer: 'webhooks',
    title: 'early webhook: one that overtakes the submit’s answer finds its job',
    inapplicable,
    run: async (bench) => {
      const rules = [{ kind: 'latency' as const, ...(await submitPlace(bench)), ms: 400, at: 'after' as const }];
      const faults = { rules, processing: { minMs: 0, maxMs: 0 } };
      const { value } = await bench.under(HEARD_ONLY, () => whileFaulty(bench, faults, () => runOne(bench)));
      endedAs(value, 'COMPLETED');
    },
  },
  {
    id: 'W3',
    layer: 'webhooks',
    title: 'lost webhook: the job is polled instead and ends the same',
    inapplicable,
    run: async (bench) => {
      const { value } = await whileFaulty(bench, { rules: [{ kind: 'webhook-drop' }] }, () => runOne(bench));
      endedAs(value, 'COMPLETED');
      same('webhooks the job heard', value.webhooks, 0);
      holds('it was not polled', value.polls > 0);
    },
  },
  {
    id: 'W4',
    layer: 'webhooks',
    title: 'out of order and repeated: webhooks of several jobs that overtake each other change nothing',
    inapplicable,
    run: async (bench) => {
      const rules = [
        { kind: 'webhook-duplicate' as const, copies: 2 },
        { kind: 'webhook-reorder' as const, withinMs: 300 },
      ];
      const { value } = await whileFaulty(bench, { rules }, () => Promise.all([1, 2, 3].map(() => runOne(bench))));
      for (const outcome of value) endedAs(outcome, 'COMPLETED');
    },
  },
  {
    id: 'W5',
    layer: 'webhooks',
    title: 'replay: a webhook sent again is taken without effect; one that is changed, or signed long ago, is refused',
    inapplicable,
    run: async (bench) => {
      const { path, headers, body } = await oneDelivery(bench);
      const url = `${bench.receiverUrl}${path}`;
      same('the same bytes again', (await postBytes(url, headers, body)).status, 200);
      const changed = Buffer.from(body.toString('utf8').replace(/[a-z](?=[^a-z]*$)/, 'X'));
      same('changed bytes', (await postBytes(url, headers, changed)).status, 401);
      const before = bench.deliveries.all().length;
      const { value } = await whileFaulty(bench, { clockOffsetMs: -3_600_000 }, () => runOne(bench));
      endedAs(value, 'COMPLETED');
      const answers = bench.deliveries
        .all()
        .slice(before)
        .map(({ status }) => status);
      same(
        'answers to webhooks signed an hour ago',
        [...new Set(answers)].filter((status) => status === 200),
        [],
      );
    },
  },
  {
    id: 'W6',
    layer: 'webhooks',
    title: 'every terminal event is understood: a job that fails or is canceled ends by its webhook alone',
    inapplicable,
    run: async (bench) => {
      const { failing } = bench.subject.samples;
      await bench.under(HEARD_ONLY, async () => {
        if (failing !== undefined) {
          const outcome = await bench.ended(await bench.start(await bench.inputOf(failing)));
          same('the state of the job that cannot be done', outcome.state, 'FAILED');
        }
        const { cancel } = bench.runtime.integration;
        if (cancel === undefined) return;
        await whileFaulty(bench, { processing: { minMs: 60_000, maxMs: 60_000 } }, async () => {
          const job = await bench.start(await bench.nextInput());
          const { externalId } = await job.waitUntilAccepted();
          const { request } = cancel;
          await bench.neighbour.send(
            { ...request({ externalId }), kind: 'cancel', repeatable: true },
            AbortSignal.timeout(10_000),
          );
          same('the state of the job canceled there', (await bench.ended(job)).state, 'CANCELED');
        });
      });
    },
  },
];
