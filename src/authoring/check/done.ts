import { isErrorCode } from '../../contracts/errors.ts';
import { parseManifest } from '../../proof/manifest.ts';
import { isOpen } from '../gaps.ts';
import { cell, sectionNamed } from '../markdown.ts';
import { partProblems, placeholders, referenceProblems, tableBelow } from './documents.ts';
import type { Facts, Line } from './facts.ts';
import { MATRIX } from './ready.ts';
import { messageOf } from '../../rules/message-of.ts';

const README = 'README.md';
const RUNBOOK = 'RUNBOOK.md';
const NOTES = 'spike-notes.md';
/** The matrix that follows from the definition. */
const MATRIX_TEST = 'tests/conformance.temporal.test.ts';
/** Below this share a live stage is a trial, not traffic. */
const FIRST_LIVE_BPS = 100;

/** The guide's Definition of Done: what holds before anybody depends on it. */
export const DONE: readonly Line[] = [
  { id: 'gaps-closed', list: 'done', what: 'Top context gaps closed or documented', look: openProblems },
  { id: 'tests', list: 'done', what: 'Every case of the matrix has a test that ran', look: testProblems },
  { id: 'layers', list: 'done', what: 'Each layer of tests is there and green', look: layerProblems },
  {
    id: 'contract',
    list: 'done',
    what: 'What is generated follows from the definition',
    look: ({ outdated }) => outdated,
  },
  { id: 'proof', list: 'done', what: 'A proof run is recorded, and replays', look: proofProblems },
  {
    id: 'readme',
    list: 'done',
    what: 'README complete, its commands and links working',
    look: (facts) => [
      ...partProblems(facts, README, [
        { heading: /^quickstart/i, name: 'Quickstart' },
        { heading: /^behaviou?rs/i, name: 'Behaviors' },
        { heading: MATRIX, name: 'Test matrix' },
        { heading: /^troubleshooting/i, name: 'Troubleshooting' },
        { heading: /^cost/i, name: 'Cost & performance' },
      ]),
      ...referenceProblems(facts, README),
    ],
  },
  { id: 'runbook', list: 'done', what: 'Runbook and rollback plan, commands and links working', look: runbookProblems },
  { id: 'notes', list: 'done', what: 'Spike notes by hand, and a demo', look: notesProblems },
  { id: 'inline', list: 'done', what: 'The client says what each call means', look: inlineProblems },
  { id: 'flag', list: 'done', what: 'Off by default', look: flagProblems },
  { id: 'rollout', list: 'done', what: 'Rollout plan valid, in stages that abort', look: planProblems },
];

function openProblems(facts: Facts): string[] {
  if ('problem' in facts.gaps) return [facts.gaps.problem];
  const gaps = facts.gaps.value;
  return [
    ...gaps
      .filter((gap) => isOpen(gap) && /^high$/i.test(gap.priority))
      .map(
        ({ number, question }) =>
          `gap ${number} is open (${question}): \`playbook gaps ${facts.service} close ${number} --finding …\``,
      ),
    ...gaps
      .filter((gap) => !isOpen(gap) && (gap.finding === '' || placeholders(gap.finding).length > 0))
      .map(({ number }) => `gap ${number} is closed without a finding: write down what came out`),
  ];
}

function testProblems(facts: Facts): string[] {
  const table = tableBelow(facts, README, MATRIX);
  if (table === undefined) return [`${README} has no test matrix: write it`];
  return table.rows.flatMap((row) => {
    const name = cell(row, 0);
    const tests = cell(row, row.length - 1).match(/[\w./-]+\.test\.ts/g) ?? [];
    if (tests.length === 0) return [`the case ${name} of the matrix names no test: name the file under tests/`];
    return tests.flatMap((path) => {
      const problem = runProblem(facts, path);
      return problem === undefined ? [] : [`the case ${name}: ${problem}`];
    });
  });
}

/** Why a test file proves nothing. */
function runProblem({ service, files, testRun }: Facts, path: string): string | undefined {
  if (!files.has(path)) return `${path} is not there: write it`;
  const run = testRun(path);
  const again = `\`npm run jest -- integrations/${service}/${path}\``;
  if (run === undefined) return `${path} has never run here: ${again}`;
  if (run.failed > 0) return `${path} has ${run.failed} failing tests: mend them`;
  if (run.skipped > 0) return `${path} skips ${run.skipped} tests: have them run`;
  if (run.passed === 0) return `${path} holds no test: write one`;
  return run.isOfToday ? undefined : `${path} has not run since it or src/ was changed: ${again}`;
}

/** A test that replays what was recorded. */
const PROOF_TEST = /^tests\/.*proof.*\.test\.ts$/;
const PROOF = /^proofs\/([^/]+)\/manifest\.json$/;

function proofProblems(facts: Facts): string[] {
  const { service, files, definition } = facts;
  const record = `\`playbook proof record ${service}\``;
  const latest = [...files].findLast(([path]) => PROOF.test(path));
  if (latest === undefined) return [`proofs/ holds no proof run: ${record}`];
  const tests = [...files.keys()].filter((path) => PROOF_TEST.test(path));
  return [
    ...contractProblems(latest, definition, record),
    ...(tests.length === 0
      ? ['no test replays the proof run: write tests/contract/proof.temporal.test.ts, as docproc has it']
      : tests.flatMap((path) => runProblem(facts, path) ?? [])),
  ];
}

function contractProblems(
  [path, text]: readonly [string, string],
  definition: Facts['definition'],
  record: string,
): string[] {
  try {
    const { contractVersion } = parseManifest(text, path);
    if ('problem' in definition || definition.value.contractVersion === contractVersion) return [];
    return [
      `${path} is of contract ${contractVersion}, the definition pins ${definition.value.contractVersion}: ${record}`,
    ];
  } catch (error) {
    return [`${messageOf(error)} Record it again: ${record}`];
  }
}

function layerProblems(facts: Facts): string[] {
  const webhooks = 'value' in facts.definition && facts.definition.value.webhook !== undefined ? ['webhooks'] : [];
  return ['contract', 'semantics', 'resilience', 'performance', ...webhooks].flatMap((layer) => {
    const tests = [...facts.files.keys()].filter(
      (path) => path.startsWith(`tests/${layer}/`) && path.endsWith('.test.ts'),
    );
    // The generated matrix has every layer; a folder of their own is for what it cannot know.
    if (tests.length === 0 && facts.files.has(MATRIX_TEST)) return runProblem(facts, MATRIX_TEST) ?? [];
    if (tests.length === 0) return [`tests/${layer}/ holds no test: write one`];
    return tests.flatMap((path) => runProblem(facts, path) ?? []);
  });
}

function runbookProblems(facts: Facts): string[] {
  const missing = partProblems(facts, RUNBOOK, [
    { heading: /^monitoring/i, name: 'Monitoring' },
    { heading: /^common failures/i, name: 'Common failures & fixes' },
    { heading: /^(enabling|kill switch|stopping)/i, name: 'Enabling and stopping' },
  ]);
  const [text, document] = [facts.files.get(RUNBOOK), facts.documents.get(RUNBOOK)];
  if (text === undefined || document === undefined) return missing;
  const failures = sectionNamed(document, /^common failures/i);
  const cases = document.sections.filter(
    ({ start, end }) => failures !== undefined && start > failures.start && end <= failures.end,
  );
  return [
    ...missing,
    ...cases
      .filter(({ text: body }) => !/\bfix\b|^\|/im.test(body))
      .map(({ heading }) => `${RUNBOOK}: "${heading}" has no fix: say what to do`),
    ...cases
      .flatMap(({ heading }) => heading.match(/\b[A-Z]+(?:_[A-Z]+)+\b/g) ?? [])
      .filter((code) => !isErrorCode(code) && !isServiceCode(facts, code))
      .map((code) => `${RUNBOOK} names ${code}, which is no error of ours: see docs/errors.md`),
    ...(/\brolls? ?back\b|\bprevious version\b|--rollback/i.test(text)
      ? []
      : [`${RUNBOOK} does not say how to roll back: say it`]),
    ...(/\bplaybook kill\b/.test(text)
      ? []
      : [`${RUNBOOK} does not name the kill switch: \`playbook kill ${facts.service}\``]),
    ...(/\bfallback\b/i.test(text)
      ? []
      : [`${RUNBOOK} does not say what the fallback is: say it, also if there is none`]),
    ...referenceProblems(facts, RUNBOOK),
  ];
}

function isServiceCode({ definition }: Facts, code: string): boolean {
  return 'value' in definition && (definition.value.errors ?? []).some(({ serviceCode }) => serviceCode === code);
}

function notesProblems(facts: Facts): string[] {
  const notes = facts.documents.get(NOTES);
  const demos = [...facts.files.keys()].filter((path) => /^demos\/.*\.ts$/.test(path));
  return [
    ...(notes === undefined ? [`${NOTES} is missing: \`playbook proof curl ${facts.service}\` prints it`] : []),
    ...(notes !== undefined && !notes.code.some(({ code }) => /\bcurl\b/.test(code))
      ? [`${NOTES} has no curl command: \`playbook proof curl ${facts.service}\` prints them`]
      : []),
    ...placeholders(facts.files.get(NOTES) ?? '').map((left) => `${NOTES} still holds ${left}: replace it`),
    ...referenceProblems(facts, NOTES),
    ...(demos.length === 0 ? ['demos/ holds no demo: write one that somebody can run'] : []),
  ];
}

const SAID = ['SEMANTICS', 'CONTRACT', 'IDEMPOTENCY'] as const;

function inlineProblems({ files }: Facts): string[] {
  const source = files.get('src/client.ts');
  if (source === undefined) return ['src/client.ts is missing: it is what services call'];
  const missing = SAID.filter((word) => !source.includes(`* ${word}: `));
  return missing.map((word) => `src/client.ts does not say ${word}: of its calls: say it`);
}

function flagProblems({ service, files }: Facts): string[] {
  const runbook = files.get(RUNBOOK) ?? '';
  const config = files.get('config.example.yaml') ?? '';
  return [
    ...(/\boff by default\b/i.test(runbook.replaceAll('*', ''))
      ? []
      : [`${RUNBOOK} does not say that ${service} is off by default: say it, and how it is enabled`]),
    ...(/\bplaybook (?:enable|rollout start)\b/.test(runbook)
      ? []
      : [`${RUNBOOK} does not name the flag's command: \`playbook enable ${service}\``]),
    ...(/^\s*enabled:/m.test(config) ? ['config.example.yaml has an `enabled`: the flag is no configuration'] : []),
  ];
}

function planProblems({ service, files, plan }: Facts): string[] {
  if (!files.has('rollout.yaml'))
    return [`rollout.yaml is missing: write it, then \`playbook rollout plan ${service}\``];
  if ('problem' in plan) return [plan.problem];
  const watched = plan.value.watchers.map(({ metric }) => metric);
  const [firstLive] = plan.value.stages.filter(({ route, weightBps }) => route === 'live' && weightBps > 0);
  return [
    ...(['errors', 'latency', 'cost'] as const)
      .filter((metric) => !watched.includes(metric))
      .map((metric) => `rollout.yaml watches no ${metric}: add the watcher with its abort threshold`),
    ...(firstLive !== undefined && firstLive.weightBps > FIRST_LIVE_BPS
      ? [
          `rollout.yaml begins with ${firstLive.weightBps / 100} % of traffic (${firstLive.name}): begin with 1 % or less`,
        ]
      : []),
  ];
}
