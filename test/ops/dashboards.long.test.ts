import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse, parseDocument, stringify } from 'yaml';
import { sandboxOptionsOf } from '../../src/cli/compose/sandbox-options.ts';
import type { JobLine } from '../../src/cli/output/job-line.ts';
import { freePort } from '../../src/embedded/ports.ts';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { testHome, type TestHome } from '../cli/helpers/home.ts';
import { spawnPlaybook, type Spawned } from '../cli/helpers/spawned.ts';
import { ROOT } from '../docs/markdown.ts';
import { until } from '../helpers/until.ts';

const DASHBOARDS = join(ROOT, 'ops/grafana/dashboards');
const SERVICES = ['docproc', 'wavescan'] as const;
/** At Grafana's usual 15 s it is a minute; here everything is a little quicker, and a busy machine may miss a scrape. */
const SCRAPE_INTERVAL = '1s';
const RATE_INTERVAL = '10s';
const JOBS = 24;

/** Queries for which 0 all the time is an answer, by why; any other has shown nothing until it has been above 0. */
const ZERO_IS_WELL: Readonly<Record<string, string>> = {
  'closed, {{route}}': 'nobody used the kill switch',
  'breaker, {{route}}': 'the service was up',
  restarts: 'no process was started again',
  'waiting, {{class}}': 'over within a second, so that a scrape may miss it',
  'in flight': 'over within milliseconds, so that a scrape may miss it',
};

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}
interface Answer {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [second: number, value: string])[];
}

type Faults = Parameters<Sandbox['faults']>[0];

let home: TestHome;
let url: string;
let sandbox: Sandbox | undefined;
let up: Spawned | undefined;
let prometheus: ChildProcess | undefined;
let beganMs: number;
let hasPrometheus = false;

/** Asks Prometheus' HTTP API. */
async function ask<Data>(path: string, query: Readonly<Record<string, string>> = {}): Promise<Data> {
  const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(query).toString()}`);
  const { status, data, error } = (await response.json()) as { status: string; data: Data; error?: string };
  if (status !== 'success') throw new Error(`${path}: ${error}`);
  return data;
}

/** Everything a query shows over the whole run, as Grafana draws it. */
async function drawn(expr: string): Promise<readonly Answer[]> {
  const [start, end] = [beganMs, Date.now()].map((ms) => String(ms / 1_000)) as [string, string];
  const query = expr.replaceAll('$__rate_interval', RATE_INTERVAL);
  expect(query).not.toContain('$'); // another variable would have to be filled in, too
  return (await ask<{ result: readonly Answer[] }>('query_range', { query, start, end, step: '1' })).result;
}

/** What is wrong with a query's graph. */
async function flawOf({ expr, legendFormat }: Dashboard['panels'][number]['targets'][number]): Promise<string> {
  const series = await drawn(expr);
  const values = series.flatMap((each) => each.values.map(([, value]) => Number(value))).filter(Number.isFinite);
  if (values.length === 0) return 'no data';
  if (Math.max(...values) <= 0 && !Object.hasOwn(ZERO_IS_WELL, legendFormat)) return 'never above 0';
  const labels = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
  const lacking = labels.filter((label) => series.some(({ metric }) => (metric[label] ?? '') === ''));
  return lacking.length === 0 ? '' : `a series without ${lacking.join(', ')}`;
}

/** Each graph that shows nothing of the run. */
async function flawsOf(service: string): Promise<readonly string[]> {
  const { panels } = JSON.parse(await readFile(join(DASHBOARDS, `${service}.json`), 'utf8')) as Dashboard;
  const checked = panels.flatMap(({ title, targets }) =>
    targets.map(async (target) => [`${title}: ${target.legendFormat}`, await flawOf(target)] as const),
  );
  return (await Promise.all(checked)).flatMap(([graph, flaw]) => (flaw === '' ? [] : [`${graph}: ${flaw}`]));
}

/** The example configuration, against a sandbox of the test's; with webhooks, which the example leaves out. */
async function writeWavescanConfig(sandboxUrl: string, receiverUrl: string): Promise<void> {
  const example = parseDocument(await readFile(join(ROOT, 'integrations/wavescan/config.example.yaml'), 'utf8'));
  example.setIn(['service', 'base_url'], sandboxUrl);
  example.set('webhook', {
    public_url: receiverUrl,
    secrets: ['env:WAVESCAN_WEBHOOK_SECRET'],
    token_secret: 'env:WAVESCAN_CALLBACK_SECRET',
  });
  await writeFile(join(home.path, 'wavescan.yaml'), example.toString());
}

/** The shipped configuration, with the one process to scrape, the rules where they are, and less patience. */
async function startPrometheus(metricsPort: number): Promise<void> {
  const shipped = parse(await readFile(join(ROOT, 'ops/prometheus/prometheus.yml'), 'utf8')) as {
    readonly scrape_configs: readonly { readonly job_name: string }[];
  };
  const ours = shipped.scrape_configs.filter(({ job_name: name }) => name === 'playbook');
  expect(ours).toHaveLength(1);
  const config = {
    ...shipped,
    global: { scrape_interval: SCRAPE_INTERVAL, evaluation_interval: SCRAPE_INTERVAL },
    rule_files: [join(ROOT, 'ops/prometheus/rules/*.yaml')],
    scrape_configs: ours.map((one) => ({ ...one, static_configs: [{ targets: [`127.0.0.1:${metricsPort}`] }] })),
  };
  await writeFile(join(home.path, 'prometheus.yaml'), stringify(config));
  const address = `127.0.0.1:${await freePort()}`;
  url = `http://${address}`;
  prometheus = spawn(
    'prometheus',
    ['--config.file=prometheus.yaml', '--storage.tsdb.path=prometheus', `--web.listen-address=${address}`],
    { cwd: home.path, stdio: 'ignore' },
  );
  await until('Prometheus is ready', async () =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
}

/** Runs a command line that must succeed. */
async function done(...argv: string[]): Promise<void> {
  const { code, err } = await home.run(argv);
  expect({ code, err }).toEqual({ code: 0, err: '' });
}

/** Documents of both services, one more than are run: the same to their ends, so that each is a job of its own. */
async function writeInputs(): Promise<Readonly<Record<(typeof SERVICES)[number], readonly string[]>>> {
  await mkdir(join(home.path, 'inputs'));
  const wav = await readFile(join(ROOT, 'integrations/wavescan/demos/sample.wav'));
  const numbers = Array.from({ length: JOBS + 1 }, (_, index) => index);
  for (const number of numbers) {
    await writeFile(join(home.path, 'inputs', `${number}.txt`), `Letter ${number}`);
    wav.writeInt16LE(number, wav.length - 2);
    await writeFile(join(home.path, 'inputs', `${number}.wav`), wav);
  }
  return {
    docproc: numbers.map((number) => join('inputs', `${number}.txt`)),
    wavescan: numbers.map((number) => join('inputs', `${number}.wav`)),
  };
}

beforeAll(async () => {
  hasPrometheus = await promisify(execFile)('prometheus', ['--version']).then(
    () => true,
    () => false,
  );
  if (!hasPrometheus) {
    if (process.env['CI'] !== undefined) throw new Error('prometheus is missing: install Debian’s package prometheus.');
    // oxlint-disable-next-line no-console -- a check that did not run must not look like one that passed
    console.warn('prometheus is missing, so the dashboards were not tried: install Debian’s package prometheus.');
    return;
  }
  home = await testHome();
  const ports = { metrics: await freePort(), receiver: await freePort() };
  sandbox = await startSandbox({ ...(await sandboxOptionsOf('wavescan')), port: 0 });
  await writeWavescanConfig(sandbox.url, `http://127.0.0.1:${ports.receiver}`);
  await writeFile(join(home.path, 'plan.yaml'), stringify({ stages: [{ name: 'everybody', weightBps: 10_000 }] }));
  await startPrometheus(ports.metrics);
  beganMs = Date.now();
  const args = ['--metrics', String(ports.metrics), '--config', 'wavescan=wavescan.yaml'];
  up = spawnPlaybook(['up', ...args], home.env, home.path);
  await up.sees('Playbook is up');
}, 120_000);

afterAll(async () => {
  up?.signal('SIGINT');
  await up?.ended;
  if (prometheus?.kill() === true) await once(prometheus, 'close');
  await sandbox?.close();
  await home?.remove();
});

describe('the dashboards', () => {
  it('are there for both integrations', async () => {
    expect((await readdir(DASHBOARDS)).toSorted()).toEqual(SERVICES.map((name) => `${name}.json`));
  });

  it('show a run of jobs in every graph, and no rule fails on its metrics', async () => {
    if (!hasPrometheus) return;
    const why = ['--reason', 'the graphs show it', '--actor', 'test'];
    for (const service of SERVICES) await done('budget', service, '--hourly', '$9', '--daily', '$9', ...why);
    // Some jobs fail, seconds apart: the first of a kind makes the series, in which only later ones are a rise. And one request
    // is refused for its pace.
    const docproc = /sandbox\s+(http:\S+) \(docproc\)/.exec(up?.out() ?? '')?.[1] ?? '';
    const faults = (method: 'POST' | 'PUT', path: string): Faults => ({
      rules: [
        ...[0, 7, 14].map((skip) => ({ kind: 'error' as const, method, path, status: 400, count: 1, skip })),
        { kind: 'error', status: 429, retryAfterS: 1, count: 1 },
      ],
    });
    const setFaults = async (ofDocproc: Faults, ofWavescan: Faults): Promise<void> => {
      const body = JSON.stringify(ofDocproc);
      expect((await fetch(`${docproc}/_sandbox/faults`, { method: 'POST', body })).ok).toBe(true);
      sandbox?.faults(ofWavescan);
    };
    await setFaults(faults('POST', '/v3/jobs'), faults('PUT', '/v2/scans/**'));

    const inputs = await writeInputs();
    const runs = SERVICES.map(async (service) => {
      const files = inputs[service].slice(0, JOBS);
      const { out } = await home.run(['run', service, ...files, '--max-wait', '60s', '--json']);
      const lines = out.trim().split('\n');
      return lines.map((line) => JSON.parse(line) as JobLine);
    });
    for (const lines of await Promise.all(runs)) {
      const failed = lines.flatMap(({ error }) => error?.code ?? []);
      expect(failed).toEqual(['VALIDATION', 'VALIDATION', 'VALIDATION']);
      expect(lines.filter(({ state }) => state === 'COMPLETED')).not.toEqual([]);
    }

    // Jobs under way are counted every 15 s, and the others were quicker than that: one of each service stays.
    const unanswered = (path: string): Faults => ({
      rules: [{ kind: 'error', method: 'GET', path, status: 429, retryAfterS: 60 }],
    });
    await setFaults(unanswered('/v3/jobs/*'), unanswered('/v2/scans/*'));
    for (const service of SERVICES) await done('jobs', 'start', service, inputs[service][JOBS] ?? '');

    // Only now, for failures such as these abort a rollout.
    for (const service of SERVICES) await done('rollout', 'start', service, '--plan', 'plan.yaml', ...why);

    let flaws: Record<string, readonly string[]> = {};
    const look = async (): Promise<boolean> => {
      flaws = Object.fromEntries(
        await Promise.all(SERVICES.map(async (service) => [service, await flawsOf(service)] as const)),
      );
      return Object.values(flaws).every((list) => list.length === 0);
    };
    await until('every graph shows something', look, 30_000).catch(() => undefined);
    expect(flaws).toEqual({ docproc: [], wavescan: [] });

    const { groups } = await ask<{ groups: { rules: { name: string; health: string }[] }[] }>('rules');
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(30);
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
  }, 150_000);
});
