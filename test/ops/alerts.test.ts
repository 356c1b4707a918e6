import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { listIntegrations, loadRolloutPlan } from '../../src/definition/index.ts';
import { ROOT } from '../docs/markdown.ts';

const run = promisify(execFile);
const FOLDER = join(ROOT, 'ops/prometheus/rules');
/** Of rules for every process, whatever it works for; each other file is an integration’s. */
const PROCESSES = 'processes';
const GROUPS = readdirSync(FOLDER).map((name) => name.replace(/\.yaml$/, ''));
const fileOf = (group: string): string => join(FOLDER, `${group}.yaml`);

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Series as `promtool test rules` writes them, by the minute. */
type Series = Readonly<Record<string, string>>;

/** What one alert is tried with: each must come out as its name says. */
interface Trial {
  readonly fires: Series;
  readonly silent: Series;
  /** Too few jobs to say anything. */
  readonly tiny?: Series;
  /** Without any series. @default 'silent' */
  readonly noData?: 'fires';
  /** Labels of the firing alert, beside the rule's own. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** The next two hours are longer than any window and any `for`. */
const AT = '2h';
const FOR = 'x130';
const steady = (perMinute: number): string => `0+${perMinute}${FOR}`;
const always = (value: number): string => `${value}${FOR}`;

/** What the rules of an integration are tried with; `jobMicros` is what a job of it may cost by its rollout plan. */
function serviceTrials(service: string, jobMicros: number): Readonly<Record<string, Trial>> {
  const LIVE = `service="${service}",route="live"`;
  const ended = (state: string, code: string): string =>
    `playbook_jobs_ended_total{${LIVE},state="${state}",code="${code}"}`;
  const OK = ended('COMPLETED', 'OK');
  const bad = ended('FAILED', 'RETRIES_EXHAUSTED');
  const theirs = ended('FAILED', 'REMOTE_FAILED');
  const cost = `playbook_cost_micros_total{${LIVE},kind="submit"}`;
  const jobCost = `playbook_job_cost_micros_total{${LIVE},state="COMPLETED"}`;
  const gauge = (name: string, more = ''): string => `playbook_${name}{${LIVE}${more}}`;
  const of = (name: string): string => `playbook_${name}{service="${service}"}`;
  const rejected = `playbook_webhook_signatures_rejected_total{service="${service}",reason="mismatch"}`;
  /** Buckets of 60 jobs a minute, of which so many take up to five seconds and the rest up to ten. */
  const durations = (within5: number, all = 60, bound = '5'): Series => ({
    [`playbook_job_duration_seconds_bucket{${LIVE},state="COMPLETED",le="${bound}"}`]: steady(within5),
    [`playbook_job_duration_seconds_bucket{${LIVE},state="COMPLETED",le="10"}`]: steady(all),
    [`playbook_job_duration_seconds_bucket{${LIVE},state="COMPLETED",le="+Inf"}`]: steady(all),
  });
  const budget = (spent: number, limit: number): Series => ({
    [gauge('budget_spent_micros', ',window="hourly"')]: always(spent),
    [gauge('budget_limit_micros', ',window="hourly"')]: always(limit),
  });

  return {
    ErrorRate: {
      fires: { [OK]: steady(58), [bad]: steady(2) },
      silent: { [OK]: steady(1_000), [bad]: steady(5), [theirs]: steady(300) },
      tiny: { [OK]: '0+1x10', [bad]: '0 0 0 1+0x126' },
    },
    ErrorBurn: {
      fires: { [OK]: steady(40), [bad]: steady(20) },
      silent: { [OK]: steady(95), [bad]: steady(5) },
      tiny: { [OK]: always(3), [bad]: `0x110 1 2${FOR}` },
    },
    RolloutErrors: {
      fires: { [OK]: steady(9), [bad]: steady(1), [of('rollout_watched')]: always(1) },
      silent: { [OK]: steady(9), [bad]: steady(1), [of('rollout_watched')]: always(0) },
      tiny: { [OK]: always(3), [bad]: `0x118 1 2${FOR}`, [of('rollout_watched')]: always(1) },
    },
    Latency: {
      fires: { [OK]: steady(60), ...durations(50) },
      // An exporter may write the same edge as 5.0.
      silent: { [OK]: steady(60), ...durations(59, 60, '5.0') },
      tiny: { [OK]: `0x118 1 2${FOR}`, ...durations(0, 1) },
    },
    CostPerJob: {
      fires: { [OK]: steady(60), [jobCost]: steady(60 * 1.5 * jobMicros) },
      silent: { [OK]: steady(60), [jobCost]: steady(60 * 0.5 * jobMicros) },
      tiny: { [OK]: `0x118 1 2${FOR}`, [jobCost]: `0x118 1000000 2000000${FOR}` },
    },
    CostPerHour: { fires: { [cost]: steady(200_000) }, silent: { [cost]: steady(100_000) } },
    Throttled: {
      fires: { [`playbook_requests_total{${LIVE},status="429"}`]: steady(2) },
      silent: { [`playbook_requests_total{${LIVE},status="2xx"}`]: steady(200) },
    },
    StuckProcessing: {
      fires: { [of('oldest_processing_seconds')]: always(1_000) },
      silent: { [of('oldest_processing_seconds')]: always(60) },
    },
    NoData: {
      fires: {},
      silent: { [gauge('gate_held')]: always(1) },
      noData: 'fires',
      labels: { route: 'live' },
    },
    NobodySends: {
      fires: { [gauge('gate_held')]: always(0), [gauge('gate_closed')]: always(0) },
      silent: { [gauge('gate_held')]: always(0), [gauge('gate_closed')]: always(1) },
    },
    KillSwitchOn: { fires: { [gauge('gate_closed')]: always(1) }, silent: { [gauge('gate_closed')]: always(0) } },
    BreakerOpen: {
      fires: { [gauge('breaker_open')]: always(1) },
      silent: { [gauge('breaker_open')]: always(0) },
    },
    BudgetNearlySpent: { fires: budget(85, 100), silent: budget(70, 100), labels: { window: 'hourly' } },
    BudgetSpent: { fires: budget(100, 100), silent: budget(99, 100), labels: { window: 'hourly' } },
    WebhooksRejected: {
      fires: { [rejected]: steady(1) },
      silent: { [rejected]: `0x118 1${FOR}` },
    },
  };
}

const PROCESS_TRIALS: Readonly<Record<string, Trial>> = {
  TemporalDown: {
    fires: { 'playbook_temporal_up{job="playbook",instance="a"}': always(0) },
    silent: { 'playbook_temporal_up{job="playbook",instance="a"}': always(1) },
    labels: { job: 'playbook', instance: 'a' },
  },
  CrashLoop: {
    fires: { 'process_start_time_seconds{job="playbook",instance="a"}': steady(60) },
    silent: { 'process_start_time_seconds{job="playbook",instance="a"}': always(60) },
    labels: { job: 'playbook' },
  },
  NotReady: {
    fires: { 'playbook_ready{job="playbook",instance="a"}': always(0) },
    silent: { 'playbook_ready{job="playbook",instance="a"}': always(1) },
    labels: { job: 'playbook', instance: 'a' },
  },
};

/** What is under one name: its rules, and what each is tried with. */
interface Group {
  readonly rules: readonly Rule[];
  readonly trials: Readonly<Record<string, Trial>>;
}

const groups = new Map<string, Group>();
let folder: string;
let hasPromtool = false;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'playbook-alerts-'));
  for (const name of GROUPS) {
    const { groups: parts } = parse(await readFile(fileOf(name), 'utf8')) as { groups: { rules: Rule[] }[] };
    groups.set(name, { rules: parts.flatMap(({ rules }) => rules), trials: await trialsFor(name) });
  }
  hasPromtool = await run('promtool', ['--version']).then(
    () => true,
    () => false,
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs promtool; without it there is nothing to run, which only a machine of one's own may say. */
async function promtool(...args: string[]): Promise<string> {
  if (hasPromtool)
    return (
      await run('promtool', args).catch((error: { stdout?: string; stderr?: string }) => {
        throw new Error(`promtool ${args[0]}: ${error.stdout}${error.stderr}`);
      })
    ).stdout;
  if (process.env['CI'] !== undefined) throw new Error('promtool is missing: install Debian’s package prometheus.');
  // oxlint-disable-next-line no-console -- a check that did not run must not look like one that passed
  console.warn('promtool is missing, so the rules were not tried: install Debian’s package prometheus.');
  return 'SUCCESS';
}

describe('the alert rules', () => {
  it('are there for every integration', async () => {
    expect(GROUPS.toSorted()).toEqual([...(await listIntegrations(join(ROOT, 'integrations'))), PROCESSES].toSorted());
  });

  it.each(GROUPS)(
    'of %s have a trial each, a severity, a text and a link into a document that exists',
    async (name) => {
      const { rules, trials } = groupOf(name);
      expect(rules.map(nameOf).toSorted()).toEqual(Object.keys(trials).toSorted());
      for (const { labels, annotations } of rules) {
        expect(['page', 'ticket']).toContain(labels['severity']);
        expect(annotations).toEqual({
          summary: expect.any(String),
          action: expect.any(String),
          runbook: expect.any(String),
        });
        const [path = '', anchor] = (annotations['runbook'] ?? '').split('#');
        const headings = [...(await readFile(join(ROOT, path), 'utf8')).matchAll(/^#+ (.*)$/gm)].map(
          ([, heading = '']) =>
            heading
              .toLowerCase()
              .replaceAll(/[^a-z0-9 -]/g, '')
              .replaceAll(' ', '-'),
        );
        expect(headings).toContain(anchor);
      }
    },
  );

  it('are what Prometheus takes', async () => {
    expect(await promtool('check', 'rules', ...GROUPS.map(fileOf))).toContain('SUCCESS');
  });

  // One at a time: an alert has the same name in every group, and a trial names all that fire under it.
  it.each(GROUPS)(
    'of %s fire when they should, and are silent when all is well, without data, and with next to no traffic',
    async (name) => {
      const { rules, trials } = groupOf(name);
      const tests = rules.flatMap((rule) => trialsOf(rule, trials[nameOf(rule)] ?? NEVER_TRIED));
      const path = join(folder, `${name}.yaml`);
      await writeFile(path, stringify({ rule_files: [fileOf(name)], evaluation_interval: '5m', tests }));
      expect(await promtool('test', 'rules', path)).toContain('SUCCESS');
    },
  );
});

const NEVER_TRIED: Trial = { fires: {}, silent: {} };

function nameOf({ alert }: Rule): string {
  return alert.replace('Playbook', '');
}

function groupOf(name: string): Group {
  const group = groups.get(name);
  if (group === undefined) throw new Error(`There are no rules of ${name}`);
  return group;
}

async function trialsFor(name: string): Promise<Group['trials']> {
  if (name === PROCESSES) return PROCESS_TRIALS;
  const { watchers } = await loadRolloutPlan(join(ROOT, 'integrations', name, 'rollout.yaml'));
  const cost = watchers.find((watcher) => watcher.metric === 'cost');
  if (cost === undefined) throw new Error(`${name} watches no cost`);
  return serviceTrials(name, cost.objectiveMicros);
}

function trialsOf(rule: Rule, { fires, silent, tiny, noData, labels = {} }: Trial): readonly object[] {
  const filled = (text: string): string =>
    text.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, name: string) => labels[name] ?? '');
  const fired = {
    exp_labels: { ...rule.labels, ...labels },
    exp_annotations: Object.fromEntries(Object.entries(rule.annotations).map(([name, text]) => [name, filled(text)])),
  };
  const trial = (name: string, series: Series, isFiring: boolean): object => ({
    name: `${rule.alert}: ${name}`,
    interval: '1m',
    input_series: Object.entries(series).map(([each, trialValues]) => ({ series: each, values: trialValues })),
    alert_rule_test: [{ eval_time: AT, alertname: rule.alert, exp_alerts: isFiring ? [fired] : [] }],
  });
  return [
    trial('fires', fires, true),
    trial('all is well', silent, false),
    trial('no data', {}, noData === 'fires'),
    ...(tiny === undefined ? [] : [trial('tiny traffic', tiny, false)]),
  ];
}
