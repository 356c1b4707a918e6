import { METRICS, type LabelsOf, type MetricName, type NameOf } from './metrics.ts';

/** Where measurements go. Names, kinds and labels are the catalogue's. */
export interface MetricRecorder {
  /** @param by a whole number, at least 0. @default 1 */
  readonly count: <Name extends NameOf<'counter'>>(name: Name, labels: LabelsOf<Name>, by?: number) => void;
  /** @param value at least 0; `undefined` where it is not known (any more): NaN, which no alert compares with */
  readonly set: <Name extends NameOf<'gauge'>>(name: Name, labels: LabelsOf<Name>, value: number | undefined) => void;
  /** @param value counted as 0 when it is negative, which only clocks that differ make it */
  readonly observe: <Name extends NameOf<'histogram'>>(name: Name, labels: LabelsOf<Name>, value: number) => void;
}

type Tags = Record<string, string>;

/** As much of Temporal's `MetricMeter` as it takes, of a runtime or of a workflow. */
export interface Meter {
  readonly createCounter: (name: string, unit: string, description: string) => { add(value: number, tags: Tags): void };
  readonly createGauge: (
    name: string,
    type: 'float',
    unit: string,
    description: string,
  ) => { set(value: number, tags: Tags): void };
  readonly createHistogram: (
    name: string,
    type: 'float',
    unit: string,
    description: string,
  ) => { record(value: number, tags: Tags): void };
}

/** Measurements by Temporal's own meter, so that they leave together with the SDK's. */
export function createMetricRecorder(meter: Meter): MetricRecorder {
  const kept = new Map<MetricName, unknown>();
  const instrument = <Instrument>(
    name: MetricName,
    make: (unit: string, meaning: string) => Instrument,
  ): Instrument => {
    let known = kept.get(name) as Instrument | undefined;
    if (known === undefined) {
      const info: { readonly unit?: string; readonly meaning: string } = METRICS[name];
      known = make(info.unit ?? '', info.meaning);
      kept.set(name, known);
    }
    return known;
  };
  return {
    count: (name, labels, by = 1) =>
      instrument(name, (unit, meaning) => meter.createCounter(name, unit, meaning)).add(by, { ...labels }),
    set: (name, labels, value) =>
      instrument(name, (unit, meaning) => meter.createGauge(name, 'float', unit, meaning)).set(value ?? Number.NaN, {
        ...labels,
      }),
    observe: (name, labels, value) =>
      instrument(name, (unit, meaning) => meter.createHistogram(name, 'float', unit, meaning)).record(
        Math.max(0, value),
        { ...labels },
      ),
  };
}

/** For a process nobody measures. */
export const NO_METRICS: MetricRecorder = { count: () => undefined, set: () => undefined, observe: () => undefined };

/** Edges of our histograms, as the exporter of a runtime takes them. */
export function bucketEdges(): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(METRICS).flatMap(([name, info]) => ('edges' in info ? [[name, [...info.edges]]] : [])),
  );
}
