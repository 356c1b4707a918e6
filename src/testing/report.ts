import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The layers of the test strategy. */
export const LAYERS = ['unit', 'contract', 'semantics', 'resilience', 'performance', 'webhooks'] as const;
export type Layer = (typeof LAYERS)[number];

/** One row of the test matrix, and what came of it. */
export interface RowReport {
  readonly id: string;
  readonly layer: Layer;
  readonly title: string;
  /** `not-applicable`: the definition has nothing to try here; `not-run`: nobody ran it. */
  readonly status: 'passed' | 'failed' | 'not-applicable' | 'not-run';
  /** Why it failed or does not apply. */
  readonly why?: string;
  readonly ms?: number;
  /** What was measured, such as a latency. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** One thing the definition says of the service, and whether some row has made it happen. */
export interface CoverageItem {
  /** Such as `endpoint submit`, `word ready → COMPLETED`, `transition CREATED → PROCESSING`. */
  readonly name: string;
  readonly exercised: boolean;
}

/** What the conformance kit found out about an integration. */
export interface ConformanceReport {
  readonly service: string;
  readonly contractVersion: string;
  /** When it was made, RFC 3339. */
  readonly at: string;
  /** Against the sandbox, or the configured environment. */
  readonly against: 'sandbox' | 'live';
  readonly rows: readonly RowReport[];
  /** Semantic contract coverage; not measured against a live service. */
  readonly coverage?: { readonly percent: number; readonly items: readonly CoverageItem[] };
}

/** True when every row that applies passed and everything the definition says was exercised. */
export function isConformant({ rows, coverage }: ConformanceReport): boolean {
  return (
    rows.every(({ status }) => status === 'passed' || status === 'not-applicable') &&
    (coverage === undefined || coverage.items.every(({ exercised }) => exercised))
  );
}

/** Writes a report as `<folder>/<service>.json`, whole or not at all. @returns its path */
export async function writeReport(report: ConformanceReport, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const name = report.against === 'live' ? `${report.service}.live.json` : `${report.service}.json`;
  const path = join(folder, name);
  const draft = `${path}.${process.pid}.new`;
  await writeFile(draft, `${JSON.stringify(report, undefined, 2)}\n`);
  await rename(draft, path);
  return path;
}
