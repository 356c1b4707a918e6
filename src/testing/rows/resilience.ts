import type { ErrorRule, Integration } from '../../definition/index.ts';
import { RequestFailed } from '../../http/types.ts';
import type { Bench } from '../bench.ts';
import type { Row } from './row.ts';
import { acceptedOf, endedAs, holds, latest, received, runOne, same, submitPlace, whileFaulty } from './support.ts';

const cannotBeRepeated = ({ submit, lookup }: Integration): boolean =>
  submit.idempotency.kind === 'none' && lookup === undefined;

const firstOf = <Value>(value: Value | readonly Value[] | undefined): Value | undefined =>
  Array.isArray(value) ? (value as readonly Value[])[0] : (value as Value | undefined);

/** Lets the service refuse one submit as a rule of the definition describes, and checks what comes of it. */
async function provoke(bench: Bench, rule: ErrorRule): Promise<void> {
  const place = await submitPlace(bench);
  const [status, code] = [firstOf(rule.status) ?? 400, firstOf(rule.serviceCode)];
  const fault = { kind: 'error' as const, ...place, status, ...(code === undefined ? {} : { code }), count: 1 };
  const { value, submits } = await whileFaulty(bench, { rules: [fault] }, () => runOne(bench));
  if (rule.retryable) {
    endedAs(value, 'COMPLETED');
    same('accepted submits', acceptedOf(submits), 1);
  } else if (rule.conflict !== 'duplicate') endedAs(value, 'FAILED', rule.code);
}

export const RESILIENCE_ROWS: readonly Row[] = [
  {
    id: 'S1',
    layer: 'resilience',
    title:
      '500, 502, 503, 504 twice each, then success: COMPLETED at the third attempt, with one key and one accepted submit',
    inapplicable: (integration) => (cannotBeRepeated(integration) ? 'a submit cannot be repeated safely' : undefined),
    run: async (bench) => {
      const place = await submitPlace(bench);
      for (const status of [500, 502, 503, 504]) {
        const rules = [{ kind: 'error' as const, ...place, status, count: 2 }];
        const { value, submits } = await whileFaulty(bench, { rules }, () => runOne(bench));
        endedAs(value, 'COMPLETED');
        const answers = submits.map((submit) => submit.status);
        same('the answers to its submits', answers.slice(0, 2), [status, status]);
        same('submits', answers.length, 3);
        same('accepted submits', acceptedOf(submits), 1);
        same('idempotency keys', new Set(submits.map(({ key }) => key)).size, 1);
      }
    },
  },
  {
    id: 'S2',
    layer: 'resilience',
    title: 'idempotent replay: a submit that was done and never answered ends in the one job',
    run: async (bench) => {
      const rules = [{ kind: 'reset' as const, ...(await submitPlace(bench)), at: 'after' as const, count: 1 }];
      const { value, submits } = await whileFaulty(bench, { rules }, () => runOne(bench));
      if (cannotBeRepeated(bench.runtime.integration)) endedAs(value, 'FAILED', 'AMBIGUOUS_SUBMIT');
      else endedAs(value, 'COMPLETED');
      same('accepted submits', acceptedOf(submits), 1);
    },
  },
  {
    id: 'S3',
    layer: 'resilience',
    title: '500 without end: FAILED with RETRIES_EXHAUSTED after max_attempts, saying how often and why',
    inapplicable: (integration) => (cannotBeRepeated(integration) ? 'a submit cannot be repeated safely' : undefined),
    run: async (bench) => {
      const rules = [{ kind: 'error' as const, ...(await submitPlace(bench)), status: 500 }];
      const { value, submits } = await whileFaulty(bench, { rules }, () => runOne(bench));
      endedAs(value, 'FAILED', 'RETRIES_EXHAUSTED');
      same('submits', submits.length, bench.runtime.config.service.retry.max_attempts);
    },
  },
  {
    id: 'S4',
    layer: 'resilience',
    title: 'a job that is over by the time it is found is COMPLETED without being sent twice',
    inapplicable: ({ submit, lookup }) =>
      submit.idempotency.kind === 'put-id' || lookup !== undefined
        ? undefined
        : 'a repeated submit is answered as the first was, and there is no search',
    run: async (bench) => {
      const { config } = bench.runtime;
      const rules = [
        {
          kind: 'reset' as const,
          ...(await submitPlace(bench)),
          at: 'after' as const,
          count: bench.runtime.integration.lookup === undefined ? 1 : config.service.retry.max_attempts,
        },
      ];
      const faults = { rules, processing: { minMs: 0, maxMs: 0 } };
      const { value, submits } = await whileFaulty(bench, faults, () => runOne(bench));
      endedAs(value, 'COMPLETED');
      same('accepted submits', acceptedOf(submits), 1);
    },
  },
  {
    id: 'S5',
    layer: 'resilience',
    title: 'every error the definition has a rule for is treated as the rule says',
    inapplicable: ({ errors = [] }) => (errors.length === 0 ? 'the definition has no error rules' : undefined),
    run: async (bench) => {
      for (const rule of bench.runtime.integration.errors ?? []) await provoke(bench, rule);
    },
  },
  {
    id: 'T1',
    layer: 'resilience',
    title: 'throttling: a 429 is obeyed to its Retry-After and uses up no attempt',
    run: async (bench) => {
      const rules = [{ kind: 'error' as const, ...(await submitPlace(bench)), status: 429, retryAfterS: 1, count: 1 }];
      const { value, submits } = await bench.under({ maxAttempts: 1 }, () =>
        whileFaulty(bench, { rules }, () => runOne(bench)),
      );
      endedAs(value, 'COMPLETED');
      same(
        'the answers to its submits',
        submits.slice(0, 1).map(({ status }) => status),
        [429],
      );
      const gaps = submits.slice(1).map(({ at }, index) => at - (submits[index]?.at ?? at));
      holds(`a submit came ${Math.min(...gaps)} ms after a 429 that asked for 1000`, Math.min(...gaps) >= 1_000);
    },
  },
  {
    id: 'R1',
    layer: 'resilience',
    title:
      '20 rapid requests beside our jobs: 429 within 2 s, no submit of ours before its Retry-After, all jobs COMPLETED',
    run: async (bench) => {
      const { status } = bench.runtime.integration;
      const { sandbox } = bench;
      const place = await submitPlace(bench);
      const { externalId } = await runOne(bench);
      const { path } = status.request({ externalId: externalId ?? '' });
      const since = latest(bench);
      sandbox.faults({ limit: { rate: 15 } });
      try {
        const jobs = await Promise.all([1, 2].map(async () => bench.start(await bench.nextInput())));
        const burst = await rapid(bench, path);
        const outcomes = await Promise.all(jobs.map(bench.ended));
        for (const outcome of outcomes) endedAs(outcome, 'COMPLETED');
        holds('no request of the burst was refused', burst.refused > 0);
        holds(`the first 429 came after ${burst.firstRefusalMs} ms`, burst.firstRefusalMs < 2_000);
        const submits = received(bench, place, since);
        for (const refused of submits.filter((entry) => entry.status === 429)) {
          const next = submits.find(({ key, seq }) => seq > refused.seq && key === refused.key);
          holds('a submit was repeated within its Retry-After', next === undefined || next.at - refused.at >= 1_000);
        }
        same('accepted submits', acceptedOf(submits), jobs.length);
        return { firstRefusalMs: Math.round(burst.firstRefusalMs) };
      } finally {
        sandbox.clearFaults();
      }
    },
  },
  {
    id: 'A1',
    layer: 'resilience',
    title: 'token expiry: with its token revoked under way a job is COMPLETED with a new one',
    run: async (bench) => {
      if (bench.runtime.config.auth.type !== 'oauth_client_credentials') {
        // Nothing to renew: the credential itself is refused, and that is said at once.
        const rules = [{ kind: 'error' as const, ...(await submitPlace(bench)), status: 401 }];
        const { value, submits } = await whileFaulty(bench, { rules }, () => runOne(bench));
        endedAs(value, 'FAILED', 'AUTH_FAILED');
        holds(`it was sent ${submits.length} times`, submits.length <= 2);
        return;
      }
      const since = latest(bench);
      bench.sandbox.faults({ tokens: { revoke: true } });
      endedAs(await runOne(bench), 'COMPLETED');
      const refused = bench.sandbox.requests({ since }).filter(({ status }) => status === 401);
      same('requests with the revoked token', refused.length, 1);
    },
  },
];

/** Twenty requests at once that do not pass our gate: a neighbour who shares the limit. */
async function rapid(
  bench: Bench,
  path: string,
): Promise<{ readonly refused: number; readonly firstRefusalMs: number }> {
  const { neighbour } = bench;
  const startedMs = performance.now();
  const refusals: number[] = [];
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      try {
        await neighbour.send({ method: 'GET', path, kind: 'poll', repeatable: true }, AbortSignal.timeout(10_000));
      } catch (error) {
        if (!(error instanceof RequestFailed)) throw error;
        if (error.failure.status === 429) refusals.push(performance.now() - startedMs);
      }
    }),
  );
  return { refused: refusals.length, firstRefusalMs: Math.min(...refusals) };
}
