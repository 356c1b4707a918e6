import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import { METRICS } from '../../src/contracts/metrics.ts';
import type { MetricName } from '../../src/contracts/metrics.ts';
import { enable } from '../helpers/enable.ts';
import { scrape } from '../helpers/scrape.ts';
import type { Sample } from '../helpers/scrape.ts';
import type { Stack } from '../helpers/stack.ts';
import { unique } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';
import { startDeployed } from './helpers/deployed.ts';
import type { Deployed } from './helpers/deployed.ts';

let deployed: Deployed;
let stack: Stack;
let urls: Deployed['urls'];

beforeAll(async () => {
  deployed = await startDeployed();
  ({ stack, urls } = deployed);
});

afterAll(() => deployed?.close());

/** The catalogue's name of a sample: a histogram has three. */
const nameOf = (sample: string): string =>
  Object.hasOwn(METRICS, sample) ? sample : sample.replace(/_(?:bucket|sum|count)$/, '');
/** What the SDK adds to what a workflow measures. */
const OF_WORKFLOWS = new Set(['namespace', 'taskQueue', 'workflowType']);

const ours = async (url: string): Promise<readonly Sample[]> =>
  (await scrape(url)).filter(({ name }) => !name.startsWith('temporal_'));

function value(samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}): number {
  const matching = samples.filter(
    (each) => each.name === name && Object.entries(labels).every(([key, text]) => each.labels[key] === text),
  );
  return matching.reduce((sum, each) => sum + each.value, 0);
}

describe('metrics of a worker and a receiver', () => {
  it('tell of jobs, requests, costs, webhooks and the gate, beside those of Temporal’s SDK', async () => {
    await enable(stack.temporal, ['docproc']);
    const keys = ['a', 'b', 'c'];
    const input = await stack.document('note.txt', 'Grüße');
    const jobs = await Promise.all(keys.map((key) => stack.playbook.start(docproc, input, { key: unique(key) })));
    const answers = await Promise.all(jobs.map((job) => job.result({ maxWaitMs: 30_000 })));
    expect(answers.map(({ state }) => state)).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED']);

    const live = { service: 'docproc', route: 'live' };
    let samples: readonly Sample[] = [];
    await until('the jobs and the gate are measured', async () => {
      samples = await ours(urls.worker);
      return value(samples, 'playbook_jobs_ended_total') === 3 && value(samples, 'playbook_gate_held') === 1;
    });
    expect(value(samples, 'playbook_admissions_total', { service: 'docproc', decision: 'live' })).toBe(3);
    const submits = { ...live, kind: 'submit', code: 'OK', status: '2xx' };
    expect(value(samples, 'playbook_requests_total', submits)).toBe(3);
    // There before the first refusal, whose rise would else not be seen.
    const refused = samples.filter(({ labels }) => labels['status'] === '429' && labels['route'] === 'live');
    expect(refused.map(({ value: count }) => count)).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect(value(samples, 'playbook_request_duration_seconds_count', { ...live, kind: 'submit', result: 'ok' })).toBe(
      3,
    );
    expect(value(samples, 'playbook_cost_micros_total', live)).toBe(30_000);
    expect(value(samples, 'playbook_job_cost_micros_total', { ...live, state: 'COMPLETED' })).toBe(30_000);
    expect(value(samples, 'playbook_job_duration_seconds_count', { ...live, state: 'COMPLETED' })).toBe(3);
    expect(value(samples, 'playbook_webhook_lag_seconds_count', { service: 'docproc' })).toBe(3);
    expect(value(samples, 'playbook_gate_cap_per_second', live)).toBe(200);
    expect(value(samples, 'playbook_temporal_up')).toBe(1);
    expect((await scrape(urls.worker)).some(({ name }) => name === 'temporal_worker_task_slots_available')).toBe(true);

    const received = await ours(urls.receiver);
    expect(value(received, 'playbook_webhooks_total', { service: 'docproc', outcome: 'accepted' })).toBe(3);
    expect(value(received, 'playbook_webhook_hand_over_seconds_count', { service: 'docproc' })).toBe(3);
    expect(value(received, 'playbook_webhook_age_seconds_count', { service: 'docproc' })).toBe(3);
  });

  it('have the catalogue’s names, labels and edges, and 5 s and 10 s are edges of the request latency', async () => {
    const samples = [...(await ours(urls.worker)), ...(await ours(urls.receiver))];
    expect(samples.length).toBeGreaterThan(100);
    for (const { name, labels } of samples) {
      const info: { readonly labels: readonly string[]; readonly edges?: readonly number[] } | undefined =
        METRICS[nameOf(name) as MetricName];
      expect({ name, known: info !== undefined }).toEqual({ name, known: true });
      const own = Object.keys(labels).filter((label) => label !== 'le' && !OF_WORKFLOWS.has(label));
      expect({ name, labels: own.toSorted() }).toEqual({ name, labels: [...(info?.labels ?? [])].toSorted() });
    }
    const edges = samples
      .filter(({ name, labels }) => name === 'playbook_request_duration_seconds_bucket' && labels['kind'] === 'submit')
      .map(({ labels }) => labels['le']);
    expect(edges).toEqual(expect.arrayContaining(['5', '10']));
    expect(edges).toEqual([...METRICS.playbook_request_duration_seconds.edges.map(String), '+Inf']);
  });

  it('count each job of a batch as they do one alone', async () => {
    const name = unique('many').slice(0, 40);
    const jobs = await Promise.all(
      Array.from({ length: 12 }, async (_, nth) => ({
        key: `${name}-${nth}`,
        input: await stack.document(`${name}-${nth}.txt`, `text ${nth}`),
      })),
    );
    // One the service refuses, which therefore sends no webhook and is no request that counts as well done.
    stack.sandbox.faults({ rules: [{ kind: 'error', method: 'POST', path: '/v3/jobs', status: 400, count: 1 }] });
    const states: string[] = [];
    for await (const { state } of stack.playbook.startMany(docproc, jobs, { name, jobsPerPart: 5 }).results()) {
      states.push(state);
    }
    expect(states.toSorted()).toEqual([...Array.from({ length: 11 }, () => 'COMPLETED'), 'FAILED']);

    const inBatches = { service: 'docproc', route: 'live', workflowType: 'jobBatch' };
    const completed = { ...inBatches, state: 'COMPLETED' };
    let samples: readonly Sample[] = [];
    await until('the jobs are measured', async () => {
      samples = await ours(urls.worker);
      return value(samples, 'playbook_jobs_ended_total', inBatches) === 12;
    });
    expect(value(samples, 'playbook_jobs_ended_total', { ...completed, code: 'OK' })).toBe(11);
    expect(value(samples, 'playbook_jobs_ended_total', { ...inBatches, state: 'FAILED', code: 'VALIDATION' })).toBe(1);
    expect(value(samples, 'playbook_job_duration_seconds_count', completed)).toBe(11);
    expect(value(samples, 'playbook_job_polls_count', completed)).toBe(11);
    expect(value(samples, 'playbook_job_cost_micros_total', completed)).toBe(110_000);
    expect(value(samples, 'playbook_webhook_lag_seconds_count', inBatches)).toBe(0); // it has no route
    expect(
      value(samples, 'playbook_webhook_lag_seconds_count', { service: 'docproc', workflowType: 'jobBatch' }),
    ).toBeGreaterThan(0);
  });

  it('that cannot be served are an error that says where', async () => {
    const { port } = new URL(urls.worker);
    const second = deployed.another(['--metrics', port]);
    expect(await second.ended).toBe(1);
    expect(second.out()).toContain(`PORT_IN_USE: Metrics cannot be served at 127.0.0.1:${port} (`);
  });
});
