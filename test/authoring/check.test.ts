import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import type { CheckResult } from '../../src/authoring/check/check.ts';
import { playbook } from '../cli/helpers/test-io.ts';
import { ROOT } from '../docs/markdown.ts';
import { copyProject } from './project-copy.ts';
import type { ProjectCopy } from './project-copy.ts';

const SCOPE = '00-scope.md';
const DIAGRAM = 'diagrams/state-and-sequence.md';
const GAPS = 'context-gaps.md';
const [PROOF = ''] = readdirSync(join(ROOT, 'integrations/docproc/proofs')).toSorted().slice(-1);
const MANIFEST = `proofs/${PROOF}/manifest.json`;

const shared = copyProject('docproc');
afterEach(() => shared.restore());
afterAll(() => shared.close());

async function checked(copy: ProjectCopy, ...flags: string[]): Promise<CheckResult> {
  const { out } = await playbook(['check', 'docproc', '--project', copy.folder, '--json', ...flags]);
  return JSON.parse(out) as CheckResult;
}

const without = (line: RegExp) => (text: string) => text.replaceAll(new RegExp(`^.*${line.source}.*\\n`, 'gm'), '');
const swap =
  (from: string | RegExp, to: string) =>
  (text: string): string =>
    text.replace(from, to);
/** The text without what stands below a heading, up to the next one. */
const emptied = (heading: string) => (text: string) =>
  text.replace(new RegExp(`(^## ${heading}\\n)[^]*?(?=^## |$(?![^]))`, 'm'), '$1\n');

/** One omission each: what is planted, the line that finds it, and what that line says. */
const OMISSIONS: readonly (readonly [string, (copy: ProjectCopy) => void, string, RegExp])[] = [
  ['no objective', ({ edit }) => edit(SCOPE, emptied('Objective')), 'objective', /"Objective", is empty: write it/],
  [
    'the template’s objective',
    ({ edit }) => edit(SCOPE, swap('so that', 'so that ‹a metric›')),
    'objective',
    /still holds ‹a metric›/,
  ],
  [
    'an objective without a purpose',
    ({ edit }) => edit(SCOPE, swap('so that', 'and')),
    'objective',
    /does not say "so that/,
  ],
  [
    'a metric without a target',
    ({ edit }) => edit(SCOPE, swap('| < 1 % ', '| low  ')),
    'metrics',
    /"jobs that fail our side" has no figure/,
  ],
  [
    'an objective without a figure',
    ({ edit }) =>
      edit(SCOPE, (text) =>
        text.replace(/^Using docproc[^]*?between\.$/m, 'Using docproc, we read so that **it is read**.'),
      ),
    'objective',
    /"Objective", has no figure/,
  ],
  [
    'metrics in prose',
    ({ edit }) =>
      edit(SCOPE, (text) => text.replace(/(## Success metrics\n)[^]*?(?=^## )/m, '$1\nFast and cheap.\n\n')),
    'metrics',
    /has no table of metric, target and how it is measured/,
  ],
  [
    'a metric that is only named',
    ({ edit }) => edit(SCOPE, (text) => text.replace(/^\| cost .*$/m, '| cost |')),
    'metrics',
    /"cost" has no figure[^]*"cost" does not say how it is measured/,
  ],
  [
    'no environments',
    ({ edit }) => edit(SCOPE, (text) => text.replaceAll(/environment/gi, 'place')),
    'versions',
    /does not name the environments/,
  ],
  ['no scope at all', ({ remove }) => remove(SCOPE), 'versions', /does not name the version the definition pins/],
  [
    'a version that is none',
    ({ edit, recordRuns }) => (edit('src/constants.ts', (text) => text.replaceAll("'3.4.2'", "'3.x'")), recordRuns()),
    'versions',
    /contractVersion \(3\.x\) pins nothing/,
  ],
  [
    'secrets that no README names',
    ({ remove }) => remove('README.md'),
    'auth',
    /does not say that DOCPROC_CLIENT_ID has to be set/,
  ],
  [
    'no picture of our states',
    ({ edit }) => edit(DIAGRAM, (text) => text.replaceAll('stateDiagram-v2', 'pie')),
    'states',
    /has no stateDiagram-v2/,
  ],
  [
    'a definition that does not load',
    ({ edit }) => edit('src/index.ts', (text) => `${text}\nthrow new Error('not today');\n`),
    'states',
    /^src\/index\.ts: not today$/,
  ],
  [
    'a matrix in prose',
    ({ edit }) =>
      edit('README.md', (text) => text.replace(/(## Test matrix\n)[^]*?(?=^## )/m, '$1\nAll is tested.\n\n')),
    'matrix',
    /has no case H1 \(a happy path\)/,
  ],
  [
    'a case that is only named',
    ({ edit }) => edit('README.md', (text) => text.replace(/^\| S1 .*$/m, '| S1 |')),
    'matrix',
    /the case S1 does not say what is done and what must come of it/,
  ],
  [
    'no semantic dependencies',
    ({ edit }) => edit(SCOPE, swap('## Semantic dependencies', '## Other')),
    'behaviours',
    /no section "Semantic dependencies"/,
  ],
  [
    'a version that the scope does not name',
    ({ edit }) => edit(SCOPE, (text) => text.replaceAll('3.4.2', '3.4')),
    'versions',
    /does not name the version the definition pins \(3\.4\.2\)/,
  ],
  [
    'an API version left out',
    ({ edit }) => edit('config.example.yaml', without(/^ {2}version: v3/)),
    'versions',
    /service\.version/,
  ],
  [
    'a secret written down',
    ({ edit }) => edit('config.example.yaml', swap('env:DOCPROC_CLIENT_SECRET', 'hunter2-hunter2')),
    'auth',
    /auth\.client_secret/,
  ],
  [
    'a secret nobody is told to set',
    ({ edit }) => edit('README.md', (text) => text.replaceAll('DOCPROC_WEBHOOK_SECRET', '…')),
    'auth',
    /does not say that DOCPROC_WEBHOOK_SECRET has to be set/,
  ],
  [
    'every right there is',
    ({ edit }) => edit('config.example.yaml', swap(/scopes: .*/, 'scopes: []')),
    'auth',
    /auth\.scopes is empty/,
  ],
  [
    'a transition not drawn',
    ({ edit }) => edit(DIAGRAM, without(/PROCESSING --> CANCELED: /)),
    'states',
    /does not show PROCESSING --> CANCELED/,
  ],
  [
    'a word drawn that the code does not map',
    ({ edit }) => edit(DIAGRAM, swap('docproc_FAILED -->', 'docproc_BROKEN -->')),
    'states',
    /shows docproc_BROKEN --> FAILED/,
  ],
  [
    'no sequence',
    ({ edit }) => edit(DIAGRAM, (text) => text.replaceAll('sequenceDiagram', 'pie')),
    'states',
    /has no sequenceDiagram/,
  ],
  ['no case for the rate limit', ({ edit }) => edit('README.md', without(/\| R1 {3}/)), 'matrix', /no case R1/],
  ['two gaps only', ({ edit }) => edit(GAPS, without(/^\| (?:[3-9]|1\d) /)), 'gaps', /has 2 gaps/],
  [
    'a top gap that is open',
    ({ edit }) => edit(GAPS, (text) => text.replace(/(\| 1 {3}\|.*\|) Closed /, '$1 Open   ')),
    'gaps-closed',
    /gap 1 is open \(After POST/,
  ],
  [
    'a closed gap without a finding',
    ({ edit }) =>
      edit(GAPS, (text) =>
        text.replace(/(\| 13 .*?\| Medium {3}\|)[^|]*(\| docproc \|) Open /, '$1 ‹finding› $2 Closed '),
      ),
    'gaps-closed',
    /gap 13 is closed without a finding/,
  ],
  [
    'a test that never ran',
    ({ recordRuns }) => recordRuns((path) => (path.includes('signature') ? { passed: 0 } : undefined)),
    'tests',
    /the case W1: .*signature.* holds no test/,
  ],
  [
    'a case without a test',
    ({ edit }) => edit('README.md', (text) => text.replace(/^(\| W1 .*\|)[^|]*\|$/m, '$1 by hand |')),
    'tests',
    /the case W1 of the matrix names no test/,
  ],
  [
    'a test nobody has run here',
    ({ recordRuns }) => recordRuns((path) => (path.includes('signature') ? 'never' : undefined)),
    'tests',
    /the case W1: .*signature.* has never run here: `npm run jest -- integrations\/docproc\/tests\/webhooks/,
  ],
  [
    'a test that fails',
    ({ recordRuns }) => recordRuns((path) => (path.includes('rate-limit') ? { failed: 1 } : undefined)),
    'tests',
    /the case R1: .*1 failing/,
  ],
  [
    'a test that is skipped',
    ({ recordRuns }) => recordRuns((path) => (path.includes('smoke') ? { skipped: 2 } : undefined)),
    'layers',
    /skips 2 tests/,
  ],
  [
    'code changed after the tests',
    ({ edit }) => edit('src/constants.ts', (text) => `${text}// later\n`),
    'tests',
    /has not run since it or src\/ was changed/,
  ],
  [
    'a layer of tests left out',
    ({ remove }) => {
      remove('tests/performance');
      remove('tests/conformance.temporal.test.ts');
    },
    'layers',
    /tests\/performance\/ holds no test/,
  ],
  [
    'a test of the matrix left out',
    ({ remove }) => remove('tests/webhooks/signature.temporal.test.ts'),
    'tests',
    /signature.*is not there: write it/,
  ],
  [
    'a pinned schema that drifted',
    ({ edit }) => edit('schemas/job-response-v3.4.2.json', swap('"cost_micros"', '"costs"')),
    'contract',
    /schemas\/job-response-v3\.4\.2\.json differs from line/,
  ],
  [
    'no troubleshooting',
    ({ edit }) => edit('README.md', swap('## Troubleshooting', '## Else')),
    'readme',
    /no section "Troubleshooting"/,
  ],
  [
    'a command that does not exist',
    ({ edit }) => edit('README.md', swap('npx playbook webhooks`', 'npx playbook webhoks`')),
    'readme',
    /`playbook webhoks`: there is no command "webhoks"\. Did you mean webhooks/,
  ],
  [
    'a link that leads nowhere',
    ({ edit }) => edit('README.md', swap('(spike-notes.md)', '(notes.md)')),
    'readme',
    /links to notes\.md, which is not there/,
  ],
  [
    'a link to a heading that is not there',
    ({ edit }) =>
      edit('README.md', (text) => `${text}\n[cost](#price), [all](docs.md#x), [web](https://example.com#x)\n`),
    'readme',
    /^README\.md links to #price, which has no such heading[^]*README\.md links to docs\.md#x, which is not there[^]*link$/,
  ],
  [
    'a link to a heading of a document without any',
    ({ edit }) => (
      edit('spike-notes.md', (text) => text.replaceAll(/^#+ /gm, '')),
      edit('README.md', (text) => `${text}\n[by hand](spike-notes.md#once)\n`)
    ),
    'readme',
    /links to spike-notes\.md#once, which has no such heading/,
  ],
  [
    'a script that does not exist',
    ({ edit }) =>
      edit('README.md', (text) => `${text}\n\`npm run sing\`, \`npx playbook status docproc --loud | cat\`\n`),
    'readme',
    /names `npm run sing`, and there is no such script[^]*there is no flag --loud|there is no flag --loud[^]*`npm run sing`/,
  ],
  [
    'an error that nobody has',
    ({ edit }) => edit('RUNBOOK.md', swap('### REMOTE_FAILED', '### REMOTE_FAILED or OUT_OF_TEA')),
    'runbook',
    /names OUT_OF_TEA, which is no error of ours/,
  ],
  [
    'an error that nobody has, of a definition that does not load',
    ({ edit }) => (
      edit('src/index.ts', (text) => `${text}\nthrow new Error('not today');\n`),
      edit('RUNBOOK.md', swap('### REMOTE_FAILED', '### REMOTE_FAILED or OUT_OF_TEA'))
    ),
    'runbook',
    /names OUT_OF_TEA, which is no error of ours/,
  ],
  [
    'no word of a fallback',
    ({ edit }) => edit('RUNBOOK.md', (text) => text.replaceAll(/fallback/gi, 'other')),
    'runbook',
    /does not say what the fallback is/,
  ],
  [
    'a failure without a fix',
    ({ edit }) =>
      edit('RUNBOOK.md', (text) => text.replace(/(### REMOTE_FAILED[^]*?)- \*\*Fix\*\*[^]*?(?=\n### )/, '$1')),
    'runbook',
    /"REMOTE_FAILED" has no fix/,
  ],
  [
    'no kill switch',
    ({ edit }) => edit('RUNBOOK.md', (text) => text.replaceAll('playbook kill', 'playbook disable')),
    'runbook',
    /does not name the kill switch/,
  ],
  [
    'no way back',
    ({ edit }) => edit('RUNBOOK.md', (text) => text.replaceAll(/roll back|--rollback|previous/gi, '…')),
    'runbook',
    /does not say how to roll back/,
  ],
  [
    'a flag that does not exist',
    ({ edit }) => edit('RUNBOOK.md', (text) => `${text}\n\`playbook kill docproc --hard\`\n`),
    'runbook',
    /there is no flag --hard/,
  ],
  [
    'notes without commands',
    ({ edit }) => edit('spike-notes.md', (text) => text.replaceAll('curl', 'wget')),
    'notes',
    /has no curl command/,
  ],
  ['no demo', ({ remove }) => remove('demos'), 'notes', /demos\/ holds no demo/],
  [
    'a call that says nothing of repetition',
    ({ edit, recordRuns }) => (edit('src/client.ts', (text) => text.replaceAll('IDEMPOTENCY:', 'also:')), recordRuns()),
    'inline',
    /does not say IDEMPOTENCY/,
  ],
  [
    'not off by default',
    ({ edit }) => edit('RUNBOOK.md', (text) => text.replaceAll('off by default', 'on')),
    'flag',
    /does not say that docproc is off by default/,
  ],
  [
    'a flag in the configuration',
    ({ edit }) => edit('config.example.yaml', (text) => `${text}enabled: true\n`),
    'flag',
    /config\.example\.yaml has an `enabled`/,
  ],
  [
    'a rollout plan that is none',
    ({ edit }) => edit('rollout.yaml', swap('onAbort: drain', 'onAbort: shrug')),
    'rollout',
    /^rollout\.yaml: [^]*onAbort must be one of/,
  ],
  [
    'a rollout plan that is none, for what follows from it',
    ({ edit }) => edit('rollout.yaml', swap('onAbort: drain', 'onAbort: shrug')),
    'contract',
    /^rollout\.yaml: [^]*onAbort must be one of/,
  ],
  [
    'a pinned schema of something that is gone',
    ({ folder }) => writeFileSync(join(folder, 'integrations/docproc/schemas/lookup-response-v3.0.0.json'), '{}'),
    'contract',
    /^schemas\/lookup-response-v3\.0\.0\.json /,
  ],
  ['no rollout plan', ({ remove }) => remove('rollout.yaml'), 'rollout', /rollout\.yaml is missing/],
  [
    'everybody at once',
    ({ edit }) => edit('rollout.yaml', without(/name: (?:1|10)-percent/)),
    'rollout',
    /begins with 50 % of traffic/,
  ],
  [
    'nobody watches errors',
    ({ edit }) => edit('rollout.yaml', without(/metric: errors/)),
    'rollout',
    /watches no errors/,
  ],
  [
    'a text that nobody classified',
    ({ edit, recordRuns }) => (
      edit('src/models.ts', (text) => text.replaceAll('pii(z.string())', 'z.string()')),
      recordRuns()
    ),
    'classified',
    /calls `text` classified, and its schema does not/,
  ],
  [
    'a classified field the scope does not name',
    ({ edit }) => edit(SCOPE, swap('`text` and `pageTexts`', '`text`')),
    'classified',
    /does not say that `pageTexts` is classified/,
  ],
  [
    'no retention',
    ({ edit }) =>
      edit(SCOPE, swap('**Retention**: recorded samples are kept for 90 days.', '**Retention**: as usual.')),
    'retention',
    /does not say "Retention"/,
  ],
  [
    'a scope nobody asked for',
    ({ edit }) => edit('config.example.yaml', swap("'jobs.read'", "'jobs.read', 'jobs.admin'")),
    'access',
    /what the scope jobs\.admin is needed for/,
  ],
  [
    'no proof run',
    ({ remove }) => remove('proofs'),
    'proof',
    /proofs\/ holds no proof run: `playbook proof record docproc`/,
  ],
  [
    'a proof run of an earlier contract',
    ({ edit }) => edit(MANIFEST, swap('"contractVersion": "3.4.2"', '"contractVersion": "3.3.0"')),
    'proof',
    /is of contract 3\.3\.0, the definition pins 3\.4\.2/,
  ],
  [
    'a proof run nobody can read',
    ({ edit }) => edit(MANIFEST, swap('"format": 1', '"format": 0')),
    'proof',
    /is no manifest of a proof/,
  ],
  [
    'a proof run that no test replays',
    ({ remove }) => remove('tests/contract/proof.temporal.test.ts'),
    'proof',
    /no test replays the proof run/,
  ],
  [
    'a proof run that does not replay',
    ({ recordRuns }) => recordRuns((path) => (path.includes('proof') ? { failed: 1 } : undefined)),
    'proof',
    /proof\.temporal\.test\.ts has 1 failing tests/,
  ],
  [
    'no budget',
    ({ edit }) => edit('RUNBOOK.md', (text) => text.replaceAll(/--hourly \S+ --daily \S+/g, '--none')),
    'budget',
    /sets no budget/,
  ],
  [
    'two prices',
    ({ edit }) => edit('config.example.yaml', swap('per_job_usd: 0.01', 'per_job_usd: 0.02')),
    'cost',
    /says a job costs \$0\.02, the definition \$0\.01/,
  ],
  [
    'no price',
    ({ edit }) => edit('config.example.yaml', without(/per_job_usd/)),
    'cost',
    /does not say cost\.per_job_usd/,
  ],
  [
    'a price above its target',
    ({ edit }) => edit('rollout.yaml', swap('objectiveMicros: 20000', 'objectiveMicros: 5000')),
    'cost',
    /a job costs \$0\.01, above the target of \$0\.005 in rollout\.yaml/,
  ],
  [
    'a scope of access that no document explains',
    ({ remove }) => remove(SCOPE),
    'access',
    /does not say what the scope jobs\.write is needed for/,
  ],
  [
    'no cost tags',
    ({ edit }) => edit('config.example.yaml', swap(/tags:\n.*/, 'tags: {}')),
    'tags',
    /cost\.tags is empty/,
  ],
];

describe('playbook check', () => {
  it('passes on what is shipped, and says how long it took', async () => {
    const result = await checked(shared);
    expect(result.lines.filter(({ passed }) => !passed)).toEqual([]);
    expect(result).toMatchObject({
      service: 'docproc',
      goal: 'done',
      passed: true,
      startedOn: '2026-11-25',
      openGaps: 2,
    });
    expect(result.days).toBeGreaterThanOrEqual(0);
  });

  it(`is tried with 25 omissions or more`, () => {
    expect(OMISSIONS.length).toBeGreaterThanOrEqual(25);
  });

  it.each(OMISSIONS)('finds %s', async (_name, plant, id, says) => {
    // A module is loaded once for each path: what changes it needs a path of its own.
    const copy = String(plant).includes("'src/") ? copyProject('docproc') : shared;
    try {
      plant(copy);
      const { lines, passed } = await checked(copy);
      expect(passed).toBe(false);
      const found = lines.filter((line) => !line.passed);
      expect(found.map((line) => line.id)).toContain(id);
      expect(found.find((line) => line.id === id)?.problems.join('\n')).toMatch(says);
    } finally {
      if (copy !== shared) copy.close();
    }
  });

  it('passes a proposed integration on what its definition has none of, and finds what it has and nobody classified', async () => {
    const copy = copyProject('docproc');
    const ask = ['--project', copy.folder];
    const from = join(ROOT, 'test/authoring/documents/scans.yaml');
    expect(await playbook(['new', 'scans', '--from', from, ...ask])).toMatchObject({ code: 0 });
    expect(await playbook(['new', 'acme', ...ask])).toMatchObject({ code: 0 });
    rmSync(join(copy.folder, 'package.json'));
    const linesOf = async (service: string) => {
      const { out } = await playbook(['check', service, ...ask, '--json']);
      return new Map((JSON.parse(out) as CheckResult).lines.map(({ id, problems }) => [id, problems]));
    };
    const scans = await linesOf('scans');
    expect(scans.get('classified')).toEqual([]);
    expect(scans.get('scrubbed')).toEqual([]);
    expect(scans.get('runbook')).toEqual([]);
    expect(scans.get('layers')).toEqual(
      ['contract/definition.test.ts', 'contract/proof.temporal.test.ts', 'conformance.temporal.test.ts'].map((test) =>
        expect.stringContaining(`tests/${test} has never run here`),
      ),
    );
    expect((await linesOf('acme')).get('classified')).toEqual([]);
    const scope = join(copy.folder, 'integrations/acme', SCOPE);
    writeFileSync(scope, readFileSync(scope, 'utf8').replace(/^(- \*\*Classified\*\*: ).*/m, '$1who knows.'));
    expect((await linesOf('acme')).get('classified')).toEqual([
      expect.stringContaining('no field is classified: mark them'),
    ]);
    const runbook = join(copy.folder, 'integrations/acme/RUNBOOK.md');
    writeFileSync(runbook, readFileSync(runbook, 'utf8').replace('### 401: AUTH_FAILED', '### 401: OUT_OF_TEA'));
    expect((await linesOf('acme')).get('runbook')).toEqual([
      'RUNBOOK.md names OUT_OF_TEA, which is no error of ours: see docs/errors.md',
    ]);
    copy.close();
  });

  it('asks nobody to set a secret that is in a file', async () => {
    shared.edit('config.example.yaml', swap('env:DOCPROC_WEBHOOK_SECRET', 'file:/run/secrets/webhook'));
    shared.edit('README.md', (text) => text.replaceAll('DOCPROC_WEBHOOK_SECRET', '…'));
    const { lines } = await checked(shared, '--ready');
    expect(lines.find(({ id }) => id === 'auth')).toMatchObject({ passed: true, problems: [] });
  });

  it('with --ready looks at that list only', async () => {
    shared.remove('tests');
    const result = await checked(shared, '--ready');
    expect(result).toMatchObject({ goal: 'ready', passed: true });
    expect(new Set(result.lines.map(({ list }) => list))).toEqual(new Set(['ready']));
  });

  it('says of a folder with nothing in it all that is missing, and ends with 1', async () => {
    const copy = copyProject('docproc');
    const { folder } = copy;
    for (const name of [
      SCOPE,
      GAPS,
      'README.md',
      'RUNBOOK.md',
      'config.example.yaml',
      'diagrams',
      'src',
      'tests',
      'spike-notes.md',
      'demos',
      'rollout.yaml',
    ])
      copy.remove(name);
    const { code, out } = await playbook(['check', 'docproc', '--project', folder]);
    copy.close();
    expect(code).toBe(1);
    expect(out).toContain('00-scope.md is missing: write it');
    expect(out).toContain('There is no integration named "docproc"');
    expect(out).toMatch(
      /docproc is not done: \d+ lines missing\. Its scope does not say when it was started\. 0 gaps open\.\n$/,
    );
  });

  it('writes down the day on which it was done, once', async () => {
    const { folder } = shared;
    const today = new Date().toISOString().slice(0, 10);
    const first = await playbook(['check', '--record', '--project', folder]);
    expect(first.out).toContain(`until it was done on ${today}. 2 gaps open.`);
    expect(first).toMatchObject({ code: 0, err: '' });
    expect((await playbook(['check', '--record', '--project', folder])).out).toBe(first.out);
  });

  it.each([
    [['docprok'], 'There is no folder integrations/docprok. Did you mean docproc?'],
    [['docproc', '--ready', '--done'], '--ready and --done are two goals: give one. See `playbook check --help`.'],
  ])('refuses %j with one error', async (argv, message) => {
    const { code, err } = await playbook(['check', ...argv]);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(message) });
  });
});
