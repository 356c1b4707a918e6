import { describe, expect, it } from '@jest/globals';
import { bucketEdges, createMetricRecorder, NO_METRICS } from '../../src/contracts/metric-recorder.ts';
import { METRICS } from '../../src/contracts/metrics.ts';

const metrics = Object.entries(METRICS);

describe('the catalogue', () => {
  it.each(metrics)('%s is named as Prometheus wants it', (name, info) => {
    expect(name).toMatch(/^(?:playbook|process)_[a-z0-9]+(?:_[a-z0-9]+)*$/);
    expect(name.endsWith('_total')).toBe(info.kind === 'counter');
    const unit = 'unit' in info ? info.unit : undefined;
    expect(/_(?:seconds|bytes|micros)(?:_total)?$/.test(name)).toBe(unit !== undefined);
  });

  it.each(metrics)('%s has edges in order if it is a histogram, and no other has', (_, info) => {
    const edges = 'edges' in info ? info.edges : [];
    expect(edges.length > 0).toBe(info.kind === 'histogram');
    expect([...edges]).toEqual([...new Set(edges)].toSorted((a, b) => a - b));
  });

  it('gives a runtime the edges of all histograms', () => {
    const names = metrics.filter(([, { kind }]) => kind === 'histogram').map(([name]) => name);
    expect(Object.keys(bucketEdges())).toEqual(names);
  });
});

describe('a recorder', () => {
  it('makes each instrument once, by its entry, and passes values on', () => {
    const made: unknown[][] = [];
    const said: unknown[][] = [];
    const recorder = createMetricRecorder({
      createCounter: (...entry) => (made.push(entry), { add: (...what) => void said.push(what) }),
      createGauge: (...entry) => (made.push(entry), { set: (...what) => void said.push(what) }),
      createHistogram: (...entry) => (made.push(entry), { record: (...what) => void said.push(what) }),
    });
    recorder.count('playbook_admissions_total', { service: 'a', decision: 'live' });
    recorder.count('playbook_admissions_total', { service: 'b', decision: 'live' }, 3);
    recorder.set('playbook_ready', {}, 1);
    recorder.set('playbook_ready', {}, undefined);
    recorder.observe('playbook_webhook_lag_seconds', { service: 'a' }, 0.5);
    recorder.observe('playbook_webhook_lag_seconds', { service: 'a' }, -0.1);
    expect(made).toEqual([
      ['playbook_admissions_total', '', METRICS.playbook_admissions_total.meaning],
      ['playbook_ready', 'float', '', METRICS.playbook_ready.meaning],
      ['playbook_webhook_lag_seconds', 'float', 'seconds', METRICS.playbook_webhook_lag_seconds.meaning],
    ]);
    expect(said).toEqual([
      [1, { service: 'a', decision: 'live' }],
      [3, { service: 'b', decision: 'live' }],
      [1, {}],
      [Number.NaN, {}],
      [0.5, { service: 'a' }],
      [0, { service: 'a' }],
    ]);
  });

  it('of a process nobody measures does nothing', () => {
    NO_METRICS.count('playbook_admissions_total', { service: 'a', decision: 'live' });
    NO_METRICS.set('playbook_ready', {}, 1);
    NO_METRICS.observe('playbook_webhook_lag_seconds', { service: 'a' }, 1);
    expect(Object.keys(NO_METRICS)).toEqual(['count', 'set', 'observe']);
  });
});
