import { startBench } from './bench.ts';
import type { Bench, JobBench, TemporalHost } from './bench.ts';

import type { ConformanceReport, Layer, RowReport } from './report.ts';
import { CONTRACT_ROWS } from './rows/contract.ts';
import { PERFORMANCE_ROWS } from './rows/performance.ts';
import { RESILIENCE_ROWS } from './rows/resilience.ts';
import type { Row } from './rows/row.ts';
import { SEMANTIC_ROWS } from './rows/semantics.ts';
import { NotConformant } from './rows/support.ts';
import { UNIT_ROWS } from './rows/unit.ts';
import { WEBHOOK_ROWS } from './rows/webhooks.ts';
import type { Subject } from './subject.ts';
import { messageOf } from '../rules/message-of.ts';

const ROWS: readonly Row[] = [
  ...UNIT_ROWS,
  ...CONTRACT_ROWS,
  ...SEMANTIC_ROWS,
  ...RESILIENCE_ROWS,
  ...PERFORMANCE_ROWS,
  ...WEBHOOK_ROWS,
];

/** One row of a subject's matrix. */
export interface ConformanceCase {
  readonly id: string;
  readonly layer: Layer;
  readonly title: string;
  /** Why the definition has nothing to try here; such a case passes at once and is reported as `not-applicable`. */
  readonly notApplicable: string | undefined;
  /** Tries it; what comes of it is in the report as well. @throws Error saying what is not as it should be */
  readonly run: () => Promise<void>;
}

/** A subject's whole matrix, and what has come of it so far. */
export interface Conformance {
  readonly service: string;
  readonly cases: readonly ConformanceCase[];
  readonly report: () => ConformanceReport;
  /** @throws Error naming each part of the definition that no case has exercised */
  readonly checkCoverage: () => void;
  readonly close: () => Promise<void>;
}

/** Which rows to run. @default all that there are */
export interface ConformanceOptions {
  readonly layers?: readonly Layer[];
  readonly ids?: readonly string[];
}

/** The ids, layers and titles of all rows there are. */
export const MATRIX: readonly Pick<Row, 'id' | 'layer' | 'title'>[] = ROWS.map(({ id, layer, title }) => ({
  id,
  layer,
  title,
}));

const wants = ({ layers, ids }: ConformanceOptions, { layer, id }: Row): boolean =>
  (layers === undefined || layers.includes(layer)) && (ids === undefined || ids.includes(id));

/**
 * The matrix of a subject against its sandbox. The stack is started by the first case that needs it, once for all of them: run the
 * cases one after the other, then `close`.
 */
export function conformance(
  subject: Subject,
  host: () => Promise<TemporalHost>,
  options: ConformanceOptions = {},
): Conformance {
  let starting: Promise<Bench> | undefined;
  const bench = (): Promise<Bench> => (starting ??= host().then((there) => startBench(subject, there)));
  const rows = ROWS.filter((row) => wants(options, row));
  const results = new Map<string, RowReport>();
  let running: Bench | undefined;
  const cases = rows.map((row) =>
    caseOf(row, subject, results, async () => {
      running = await bench();
      return row.run(running);
    }),
  );
  const coverage = (): NonNullable<ConformanceReport['coverage']> => {
    const items = running?.coverage.items() ?? [];
    const exercised = items.filter((item) => item.exercised).length;
    return { percent: items.length === 0 ? 0 : Math.floor((exercised * 100) / items.length), items };
  };
  return {
    service: subject.integration.service,
    cases,
    report: () => ({ ...reportOf(subject, rows, results, 'sandbox'), coverage: coverage() }),
    checkCoverage: () => {
      const missed = coverage().items.filter((item) => !item.exercised);
      if (running !== undefined && missed.length === 0) return;
      const names = missed.map(({ name }) => name).join('; ');
      throw new NotConformant(`Not everything the definition says was exercised: ${names || 'nothing ran'}`);
    },
    close: async () => {
      if (starting !== undefined) await (await starting).close();
    },
  };
}

/** The rows of a subject's matrix that do what any caller does, against whatever the client's worker is configured for. */
export function liveConformance(
  subject: Subject,
  bench: JobBench,
  options: ConformanceOptions = {},
): Pick<Conformance, 'service' | 'cases' | 'report'> {
  const results = new Map<string, RowReport>();
  const rows = ROWS.filter((row) => row.live === true && wants(options, row));
  return {
    service: subject.integration.service,
    cases: rows.map((row) =>
      caseOf(row, subject, results, async () => (row.live === true ? row.run(bench) : undefined)),
    ),
    report: () => reportOf(subject, rows, results, 'live'),
  };
}

function caseOf(
  row: Row,
  { integration, samples }: Subject,
  results: Map<string, RowReport>,
  run: () => ReturnType<Row['run']>,
): ConformanceCase {
  const { id, layer, title } = row;
  const notApplicable = row.inapplicable?.(integration, samples.failing !== undefined);
  const note = (result: Pick<RowReport, 'status' | 'why' | 'ms' | 'figures'>): void => {
    results.set(id, { id, layer, title, ...result });
  };
  return {
    id,
    layer,
    title,
    notApplicable,
    run: async () => {
      if (notApplicable !== undefined) return note({ status: 'not-applicable', why: notApplicable });
      const startedMs = performance.now();
      const ms = (): number => Math.round(performance.now() - startedMs);
      try {
        const figures = await run();
        note({ status: 'passed', ms: ms(), ...(figures === undefined ? {} : { figures }) });
      } catch (error) {
        note({ status: 'failed', ms: ms(), why: messageOf(error) });
        throw error;
      }
    },
  };
}

function reportOf(
  { integration }: Subject,
  rows: readonly Row[],
  results: ReadonlyMap<string, RowReport>,
  against: ConformanceReport['against'],
): ConformanceReport {
  return {
    service: integration.service,
    contractVersion: integration.contractVersion,
    at: new Date().toISOString(),
    against,
    rows: rows.map(({ id, layer, title }) => results.get(id) ?? { id, layer, title, status: 'not-run' }),
  };
}
