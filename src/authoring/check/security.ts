import { classifiedPaths, classify } from '../../definition/index.ts';
import type { Integration } from '../../definition/index.ts';
import { redactValue } from '../../rules/redaction.ts';
import { part } from './documents.ts';
import type { Facts, Line } from './facts.ts';

const SCOPE = '00-scope.md';
const DATA = /^data, retention and access/i;
const CANARY = 'canary-4c1f';

/** The guide's security checklist and cost controls. */
export const SECURITY: readonly Line[] = [
  { id: 'classified', list: 'security', what: 'Data classified', look: classificationProblems },
  { id: 'scrubbed', list: 'security', what: 'Classified fields never shown', look: scrubbingProblems },
  {
    id: 'retention',
    list: 'security',
    what: 'Retention of samples set',
    look: (facts) =>
      statementProblems(facts, 'Retention', /\b\d+ (?:days?|weeks?|months?)\b/, 'how many days samples are kept'),
  },
  {
    id: 'access',
    list: 'security',
    what: 'Least privilege, keys apart for each environment',
    look: (facts) => [
      ...statementProblems(facts, 'Access', /\b(?:scopes?|rights?|key|client)\b/i, 'which rights the keys have'),
      ...scopeProblems(facts),
    ],
  },
  { id: 'budget', list: 'security', what: 'Budget set', look: budgetProblems },
  { id: 'cost', list: 'security', what: 'Cost of a job known and within its target', look: costProblems },
  {
    id: 'tags',
    list: 'security',
    what: 'Cost attributed by tags',
    look: ({ config }) => {
      if ('problem' in config) return [config.problem];
      return Object.keys(config.value.cost.tags).length > 0
        ? []
        : ['config.example.yaml: cost.tags is empty: name at least who pays, such as `team`'];
    },
  },
];

/** What stands in the item `- **Name**: …`, or that it does not say what it has to. */
function statement(
  facts: Facts,
  name: string,
  fits: RegExp,
  what: string,
): { readonly text: string } | { readonly problems: readonly string[] } {
  const data = part(facts, SCOPE, { heading: DATA, name: 'Data, retention and access' });
  if ('problems' in data) return data;
  const said = new RegExp(`^- \\*\\*${name}\\*\\*: ([^]*?)(?=^- |$(?![^]))`, 'm').exec(data.text)?.[1];
  if (said !== undefined && fits.test(said)) return { text: said };
  return { problems: [`${SCOPE}, "Data, retention and access", does not say "${name}": say ${what}`] };
}

function statementProblems(facts: Facts, name: string, fits: RegExp, what: string): readonly string[] {
  const found = statement(facts, name, fits, what);
  return 'text' in found ? [] : found.problems;
}

/** Every field a definition classifies, where it stands. */
function classifiedIn({ input, result, submit, status, webhook }: Integration) {
  const schemas = { input, result, submit: submit.response, status: status.response, webhook: webhook?.payload };
  return Object.entries(schemas).flatMap(([where, schema]) =>
    schema === undefined ? [] : classifiedPaths(schema).map((field) => ({ where, schema, ...field })),
  );
}

function classificationProblems(facts: Facts): readonly string[] {
  if ('problem' in facts.definition) return [facts.definition.problem];
  const fields = classifiedIn(facts.definition.value);
  const found = statement(
    facts,
    'Classified',
    /\S/,
    'which fields are personal, health, card data or secret, or that none is and why',
  );
  if ('problems' in found) return found.problems;
  const said = found.text;
  const named: readonly string[] = said.match(/(?<=`)[\w.*]+(?=`)/g) ?? [];
  const own = fields.filter(({ where }) => where === 'input' || where === 'result').map(({ path }) => path.join('.'));
  return [
    ...own
      .filter((field) => !named.includes(field))
      .map((field) => `${SCOPE} does not say that \`${field}\` is classified: name it beside "Classified"`),
    ...named
      .filter((field) => !fields.some(({ path }) => path.join('.') === field))
      .map(
        (field) => `${SCOPE} calls \`${field}\` classified, and its schema does not: mark it (pii, phi, pci, secret)`,
      ),
    ...(fields.length === 0 && !/\bnone\b|\bno\b/i.test(said)
      ? ['no field is classified: mark them in src/models.ts, or say beside "Classified" that there is none, and why']
      : []),
  ];
}

/** Puts a value into each classified field and looks whether it comes through what logs and recordings pass. */
function scrubbingProblems({ definition }: Facts): string[] {
  if ('problem' in definition) return [definition.problem];
  return classifiedIn(definition.value).flatMap(({ where, schema, path }) => {
    const value = path.reduceRight<unknown>((inner, key) => (key === '*' ? [inner] : { [key]: inner }), CANARY);
    const shown = JSON.stringify(redactValue(value, classify(schema)));
    return shown.includes(CANARY) ? [`${where}: ${path.join('.')} would be shown: mark it in its schema`] : [];
  });
}

function scopeProblems(facts: Facts): string[] {
  if ('problem' in facts.config || facts.config.value.auth.type !== 'oauth_client_credentials') return [];
  const text = facts.files.get(SCOPE) ?? '';
  return facts.config.value.auth.scopes
    .filter((scope) => !text.includes(scope))
    .map((scope) => `${SCOPE} does not say what the scope ${scope} is needed for: say it, or do without`);
}

function budgetProblems({ service, files }: Facts): string[] {
  const commands = (files.get('RUNBOOK.md') ?? '').match(/playbook budget [^\n`]*/g) ?? [];
  const sets = commands.some((command) => /--(?:hourly|daily) \$?\d/.test(command) && command.includes(service));
  return sets
    ? []
    : [`RUNBOOK.md sets no budget: give its figures, \`playbook budget ${service} --hourly 5 --daily 50 --reason …\``];
}

function costProblems({ definition, config, plan }: Facts): string[] {
  if ('problem' in definition) return [definition.problem];
  if ('problem' in config) return [config.problem];
  const { perJobMicros } = definition.value.cost;
  const perJobUsd = config.value.cost.per_job_usd;
  const micros = perJobUsd === undefined ? perJobMicros : Math.round(perJobUsd * 1e6);
  const target = 'value' in plan ? plan.value.watchers.find((watcher) => watcher.metric === 'cost') : undefined;
  return [
    ...(perJobUsd === undefined ? ['config.example.yaml does not say cost.per_job_usd: say what a job costs'] : []),
    ...(micros === perJobMicros
      ? []
      : [`config.example.yaml says a job costs $${micros / 1e6}, the definition $${perJobMicros / 1e6}: correct one`]),
    ...(target !== undefined && micros > target.objectiveMicros
      ? [
          `a job costs $${micros / 1e6}, above the target of $${target.objectiveMicros / 1e6} in rollout.yaml: correct one`,
        ]
      : []),
  ];
}
