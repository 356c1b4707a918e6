import type { MetricRecorder } from '../../src/contracts/metric-recorder.ts';

/** Keeps what is measured: counts added up, gauges and histograms with their last value, by `name{value,value}`. */
export function recordedMetrics(): { readonly metrics: MetricRecorder; readonly values: Map<string, number> } {
  const values = new Map<string, number>();
  const key = (name: string, labels: object): string => `${name}{${Object.values(labels).join(',')}}`;
  return {
    values,
    metrics: {
      count: (name, labels, by = 1) => {
        const at = key(name, labels);
        values.set(at, (values.get(at) ?? 0) + by);
      },
      set: (name, labels, value) => void values.set(key(name, labels), value ?? Number.NaN),
      observe: (name, labels, value) => void values.set(key(name, labels), value),
    },
  };
}
