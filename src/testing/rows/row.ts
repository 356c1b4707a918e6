import type { Integration } from '../../definition/index.ts';
import type { Bench, JobBench } from '../bench.ts';
import type { Layer } from '../report.ts';

/** What a row has measured. */
export type Figures = Readonly<Record<string, number>>;

interface RowBase {
  /** Such as `H1`; those of the guide's matrix are H1, E1, R1, S1 and W1. */
  readonly id: string;
  readonly layer: Layer;
  readonly title: string;
  /** Why there is nothing to try with this definition. */
  readonly inapplicable?: (integration: Integration, hasFailingSample: boolean) => string | undefined;
}

/** A row of the matrix. One that is `live` does what any caller does, so that it may be run against a real service. */
export type Row = RowBase &
  (
    | { readonly live: true; readonly run: (bench: JobBench) => Promise<Figures | void> }
    | { readonly live?: false; readonly run: (bench: Bench) => Promise<Figures | void> }
  );
