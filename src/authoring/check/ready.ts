import { JOB_STATES, isTerminal } from '../../contracts/states.ts';
import { secretRefs } from '../../definition/index.ts';
import { JOB_EVENTS, TRANSITIONS } from '../../rules/state-machine.ts';
import { cell } from '../markdown.ts';
import { part, partProblems, placeholders, tableBelow } from './documents.ts';
import type { Facts, Line } from './facts.ts';

const SCOPE = '00-scope.md';
const DIAGRAM = 'diagrams/state-and-sequence.md';
const GAPS = 'context-gaps.md';
const LEAST_GAPS = 3;

/** The heading of the test matrix in README.md. */
export const MATRIX = /^test matrix/i;

/** The kinds of cases a matrix has to have, by the letter their names begin with. */
const CASES = [
  ['H', 'a happy path'],
  ['E', 'an edge or an invalid request'],
  ['R', 'the rate limit'],
  ['S', 'a failing service'],
] as const;

/** The guide's Definition of Ready: what is known before anything is built on it. */
export const READY: readonly Line[] = [
  {
    id: 'objective',
    list: 'ready',
    what: 'Objective with a metric',
    look: (facts) => {
      const found = part(facts, SCOPE, { heading: /^objective/i, name: 'Objective' });
      if ('problems' in found) return found.problems;
      const { text } = found;
      return [
        ...(/\bso that\b/i.test(text) ? [] : [`${SCOPE}, "Objective", does not say "so that …": say what it is for`]),
        ...(/\d/.test(text) ? [] : [`${SCOPE}, "Objective", has no figure: say how success is measured`]),
      ];
    },
  },
  { id: 'metrics', list: 'ready', what: 'Success metrics with targets', look: metricProblems },
  {
    id: 'behaviours',
    list: 'ready',
    what: 'Calls, semantic dependencies and constraints',
    look: (facts) =>
      partProblems(facts, SCOPE, [
        { heading: /^primary apis/i, name: 'Primary APIs and events' },
        { heading: /^semantic dependencies/i, name: 'Semantic dependencies' },
        { heading: /^constraints/i, name: 'Constraints' },
      ]),
  },
  { id: 'versions', list: 'ready', what: 'Versions and environments pinned', look: versionProblems },
  { id: 'auth', list: 'ready', what: 'Authentication decided, secrets by reference', look: authProblems },
  { id: 'states', list: 'ready', what: 'States and sequences drawn, as the code has them', look: diagramProblems },
  { id: 'matrix', list: 'ready', what: 'Test matrix drafted', look: matrixProblems },
  { id: 'gaps', list: 'ready', what: `Context gaps, ${LEAST_GAPS} or more, by priority`, look: gapProblems },
];

function metricProblems(facts: Facts): string[] {
  const missing = partProblems(facts, SCOPE, [{ heading: /^success metrics/i, name: 'Success metrics' }]);
  if (missing.length > 0) return missing;
  const rows = tableBelow(facts, SCOPE, /^success metrics/i)?.rows ?? [];
  if (rows.length === 0) return [`${SCOPE}, "Success metrics", has no table of metric, target and how it is measured`];
  return rows.flatMap((row) => {
    const [metric, target, how] = [cell(row, 0), cell(row, 1), cell(row, 2)];
    return [
      ...(/\d/.test(target) ? [] : [`${SCOPE}: the metric "${metric}" has no figure as its target: give it one`]),
      ...(how === '' ? [`${SCOPE}: the metric "${metric}" does not say how it is measured: say it`] : []),
    ];
  });
}

function versionProblems(facts: Facts): string[] {
  if ('problem' in facts.definition) return [facts.definition.problem];
  const { contractVersion } = facts.definition.value;
  const scope = facts.files.get(SCOPE) ?? '';
  return [
    ...(/\.x\b/i.test(contractVersion)
      ? [`the definition's contractVersion (${contractVersion}) pins nothing: name one version`]
      : []),
    ...(scope.includes(contractVersion)
      ? []
      : [`${SCOPE} does not name the version the definition pins (${contractVersion}): name it`]),
    ...(/\benvironments?\b/i.test(scope) ? [] : [`${SCOPE} does not name the environments: say which there are`]),
    ...('problem' in facts.config ? [facts.config.problem] : []),
  ];
}

function authProblems(facts: Facts): string[] {
  if ('problem' in facts.config) return [facts.config.problem];
  const { auth } = facts.config.value;
  const readme = facts.files.get('README.md') ?? '';
  const variables = secretRefs(facts.config.value).flatMap(({ ref }) =>
    ref.startsWith('env:') ? [ref.slice('env:'.length)] : [],
  );
  return [
    ...variables
      .filter((name) => !readme.includes(name))
      .map((name) => `README.md does not say that ${name} has to be set: name it in the quickstart`),
    ...(auth.type === 'oauth_client_credentials' && auth.scopes.length === 0
      ? ['config.example.yaml: auth.scopes is empty, which asks for every right there is: list what is needed']
      : []),
  ];
}

function diagramProblems(facts: Facts): string[] {
  const document = facts.documents.get(DIAGRAM);
  if (document === undefined) return [`${DIAGRAM} is missing: draw states and sequences`];
  const pictures = document.code.filter(({ language }) => language === 'mermaid').map(({ code }) => code);
  const [states] = pictures.filter((code) => code.startsWith('stateDiagram'));
  const words = pictures.filter((code) => code.startsWith('flowchart')).flatMap((code) => [...arrowsOf(code)]);
  const problems = [
    ...(states === undefined ? [`${DIAGRAM} has no stateDiagram-v2: draw our states`] : []),
    ...(states === undefined ? [] : differences(arrowsOf(states), stateArrows())),
    ...(pictures.some((code) => code.startsWith('sequenceDiagram'))
      ? []
      : [`${DIAGRAM} has no sequenceDiagram: draw who calls whom`]),
  ];
  if ('problem' in facts.definition) return [...problems, facts.definition.problem];
  const { service, states: mapping } = facts.definition.value;
  const meant = Object.entries(mapping).map(([word, state]) => `${service}_${word} --> ${state}`);
  return [...problems, ...differences(new Set(words), new Set(meant))];
}

function differences(drawn: ReadonlySet<string>, coded: ReadonlySet<string>): string[] {
  return [
    ...[...coded].filter((arrow) => !drawn.has(arrow)).map((arrow) => `${DIAGRAM} does not show ${arrow}: draw it`),
    ...[...drawn]
      .filter((arrow) => !coded.has(arrow))
      .map((arrow) => `${DIAGRAM} shows ${arrow}, which the code does not have: remove it`),
  ];
}

function arrowsOf(diagram: string): Set<string> {
  return new Set([...diagram.matchAll(/^ *(\S+) --> (\S+?)(?::.*)?$/gm)].map(([, from, to]) => `${from} --> ${to}`));
}

/** Every arrow a picture of our states has to have. */
function stateArrows(): Set<string> {
  const moves = JOB_STATES.flatMap((from) =>
    JOB_EVENTS.map((event) => TRANSITIONS[from][event])
      .filter((to) => to !== from)
      .map((to) => `${from} --> ${to}`),
  );
  return new Set(['[*] --> CREATED', ...moves, ...JOB_STATES.filter(isTerminal).map((state) => `${state} --> [*]`)]);
}

function matrixProblems(facts: Facts): string[] {
  const missing = partProblems(facts, 'README.md', [{ heading: MATRIX, name: 'Test matrix' }]);
  if (missing.length > 0) return missing;
  const rows = tableBelow(facts, 'README.md', MATRIX)?.rows ?? [];
  const hasWebhooks = 'value' in facts.definition && facts.definition.value.webhook !== undefined;
  const wanted = [...CASES, ...(hasWebhooks ? [['W', 'a bad webhook'] as const] : [])];
  return [
    ...wanted
      .filter(([letter]) => !rows.some((row) => new RegExp(`^${letter}\\d`).test(cell(row, 0))))
      .map(([letter, what]) => `README.md, "Test matrix", has no case ${letter}1 (${what}): add it`),
    ...rows
      .filter((row) => cell(row, 1) === '' || cell(row, 2) === '')
      .map((row) => `README.md: the case ${cell(row, 0)} does not say what is done and what must come of it: say it`),
  ];
}

function gapProblems(facts: Facts): string[] {
  if ('problem' in facts.gaps) return [facts.gaps.problem];
  const gaps = facts.gaps.value;
  const known = gaps.filter(({ question }) => question !== '' && placeholders(question).length === 0);
  return [
    ...(known.length >= LEAST_GAPS
      ? []
      : [`${GAPS} has ${known.length} gaps: write down the ${LEAST_GAPS} greatest unknowns or more`]),
    ...gaps
      .filter(({ priority }) => !/^(high|medium|low)$/i.test(priority))
      .map(({ number }) => `${GAPS}: gap ${number} has no priority: High, Medium or Low`),
    ...gaps
      .filter(({ finding }) => finding === '' || placeholders(finding).length > 0)
      .map(({ number }) => `${GAPS}: gap ${number} does not say how it is going to be closed: write the next probe`),
  ];
}
