import type { z } from 'zod';
import { readAnswer, outbound } from '../../activities/index.ts';
import type { Endpoint } from '../../definition/index.ts';
import type { RequestKind } from '../../http/types.ts';
import type { Bench } from '../bench.ts';
import type { Row } from './row.ts';
import { endedAs, holds, runOne, same, statusPlace, whileFaulty } from './support.ts';

/** Asks one endpoint through the gate, as the worker does, and reads the answer by its schema. */
export async function ask<Context, Body, Out>(
  { runtime }: Bench,
  endpoint: Endpoint<Context, Body, Out>,
  context: Context,
  kind: RequestKind,
): Promise<Out> {
  const response = await runtime.client.send(outbound(endpoint, context, kind), AbortSignal.timeout(10_000));
  return readAnswer(runtime, endpoint, response, context, `${kind} response`);
}

/** Top-level fields of a schema without which an answer does not fit. */
function requiredFields(schema: z.ZodType, example: object): string[] {
  return Object.keys(example).filter((name) => {
    const rest = Object.fromEntries(Object.entries(example).filter(([key]) => key !== name));
    return !schema.safeParse(rest).success;
  });
}

const NEVER_HEARD = 'conformance-unheard-of';

export const CONTRACT_ROWS: readonly Row[] = [
  {
    id: 'C1',
    layer: 'contract',
    title: 'every endpoint answers what its schema says, and nothing the schema does not know',
    run: async (bench) => {
      const { status, fetch, lookup, list } = bench.runtime.integration;
      const outcome = await runOne(bench);
      endedAs(outcome, 'COMPLETED');
      const { externalId, key } = outcome;
      const target = { externalId: externalId ?? '' };
      const job = await ask(bench, status, target, 'poll');
      same('the job asked for', job.externalId, externalId);
      if (fetch !== undefined) await ask(bench, fetch, { ...target, job }, 'fetch');
      if (lookup !== undefined) {
        const found = await ask(bench, lookup, { reference: `${key}~1` }, 'lookup');
        same('the job found by our reference', found?.externalId, externalId);
      }
      if (list !== undefined) {
        const { jobs } = await ask(bench, list, { limit: 10 }, 'list');
        holds('the list is empty', jobs.length > 0);
      }
      same('fields that no schema knows', bench.unknownFields(), []);
    },
  },
  {
    id: 'C2',
    layer: 'contract',
    title: 'contract drift: a required field that is gone fails the job, naming the field',
    run: async (bench) => {
      const { integration, client } = bench.runtime;
      const { externalId } = await runOne(bench);
      const asked = outbound(integration.status, { externalId: externalId ?? '' }, 'poll');
      const { json } = await client.send(asked, AbortSignal.timeout(10_000));
      const [field] = requiredFields(integration.status.response, json as object).toReversed();
      if (field === undefined) throw new Error('the status schema requires no field');
      const faults = { rules: [{ kind: 'drift' as const, ...statusPlace(bench), remove: [field] }] };
      const { value } = await whileFaulty(bench, faults, () => runOne(bench));
      endedAs(value, 'FAILED', 'CONTRACT_VIOLATION');
      holds(`the error does not name ${field}: ${value.error?.message}`, value.error?.message.includes(field) === true);
    },
  },
  {
    id: 'C3',
    layer: 'contract',
    title: 'unknown status: a word nobody has heard of fails the job, naming the word',
    run: async (bench) => {
      const faults = { rules: [{ kind: 'drift' as const, ...statusPlace(bench), status: NEVER_HEARD }] };
      const { value } = await whileFaulty(bench, faults, () => runOne(bench));
      endedAs(value, 'FAILED', 'UNKNOWN_STATUS');
      holds('the error does not name the word', value.error?.message.includes(NEVER_HEARD) === true);
    },
  },
  {
    id: 'C4',
    layer: 'contract',
    title: 'contract drift: fields nobody has heard of do no harm',
    run: async (bench) => {
      const faults = { rules: [{ kind: 'drift' as const, add: { [NEVER_HEARD]: { since: 'today' } } }] };
      const { value } = await whileFaulty(bench, faults, () => runOne(bench));
      endedAs(value, 'COMPLETED');
    },
  },
];
