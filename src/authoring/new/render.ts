import { fieldsOf } from './openapi.ts';
import type { Proposal, ProposedAuth, Schema } from './proposal.ts';
import { failingField, sandboxFile } from './sandbox-file.ts';
import { access, literal, personalFields, propertyName, sampleOf, zodSource } from './schema-source.ts';
import { fillTemplate } from './template.ts';
import type { TemplateValues } from './template.ts';

/** What only a person can say of an integration. */
export interface Answers {
  readonly service: string;
  /** Using … must … so that …; what is left out is left to be written. */
  readonly objective: string | undefined;
  readonly owner: string;
  readonly qps: number;
  readonly costUsd: number;
  /** `YYYY-MM-DD`. */
  readonly startedOn: string;
}

/**
 * The files of a new integration, by path in its folder.
 * @param templates by path, each ending with `.tmpl`
 */
export function renderIntegration(
  templates: ReadonlyMap<string, string>,
  answers: Answers,
  proposal: Proposal,
): ReadonlyMap<string, string> {
  const values = valuesOf(answers, proposal);
  const files = [...templates].map(
    ([path, template]) => [path.replace(/\.tmpl$/, ''), fillTemplate(template, values)] as const,
  );
  return new Map([...files, ['sandbox.yaml', sandboxFile(answers.service, proposal)]]);
}

function valuesOf(answers: Answers, proposal: Proposal): TemplateValues {
  const { service } = answers;
  const { submit, upload, cancel, list, job, status, words } = proposal;
  const result = job.result === undefined ? undefined : fieldsOf(job.body)[job.result];
  const errorFields = fieldsOf(job.error === undefined ? {} : fieldsOf(job.body)[job.error]);
  const personal = result === undefined ? personalFields(job.body) : personalFields(result);
  const input = inputOf(proposal);
  const sampleInput = sampleOf(input) as Readonly<Record<string, unknown>>;
  const hasLookup = list?.reference !== undefined && job.reference !== undefined;
  const key = submit.idempotency.kind !== 'none';
  const micros = Math.round(answers.costUsd * 1e6);
  const target = Math.max(20_000, micros * 2);
  return {
    ...answers,
    objective:
      answers.objective ??
      `Using ${service}, a service must ‹do what› so that **‹which metric› of jobs end within 5 s, fewer than 1 % fail for reasons of ours, and none costs more than $${target / 1e6}**.`,
    qps: String(answers.qps),
    costUsd: String(answers.costUsd),
    costMicros: micros.toLocaleString('en').replaceAll(',', '_'),
    costTarget: String(target / 1e6),
    costTargetMicros: String(target),
    costAbortMicros: String(target * 2.5),
    costCapMicros: String(target * 25),
    title: proposal.title,
    titleLiteral: literal(proposal.title),
    className: service.replaceAll(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
    contractVersion: proposal.contractVersion,
    apiVersion: proposal.apiVersion,
    baseUrl: proposal.baseUrl,
    tryIt:
      submit.fileField === undefined
        ? `\`npx playbook up\`, then \`npx playbook jobs start ${service} --key first --input input.json\``
        : `\`npx playbook run ${service} letter.txt\``,
    ...authValues(service, proposal.auth),
    ...documentValues(proposal, sampleInput),
    calls: callRows(proposal),
    repetition: key
      ? 'A repeated submit is the same job at the service for 24 hours (gap 3).'
      : 'The service recognises no repeated submit: one of unknown fate is looked up before anything is sent again.',
    endWords: Object.keys(words)
      .filter((word) => words[word] !== 'PROCESSING')
      .join(', '),
    classified:
      personal.length === 0
        ? 'none: no field looked like a person’s. Mark what is with `pii` in `src/models.ts` and name it here.'
        : `${personal.map((field) => `\`${field}\``).join(', ')} of the result may name people and are personal data.`,
    gapRows: proposal.guesses
      .map(
        (guess, index) =>
          `| ${index + 4} | Contract | ${guess.replaceAll('|', '\\|')} Is that so? | Medium | Guessed by \`playbook new\`: compare with the service | ${answers.owner} | Open |`,
      )
      .join('\n'),
    hasUpload: upload !== undefined,
    hasDocument: submit.fileField !== undefined,
    hasPersonal: personal.length > 0,
    hasResult: result !== undefined,
    hasResultField: result !== undefined,
    hasError: job.error !== undefined,
    hasReference: job.reference !== undefined,
    hasCost: job.costMicros !== undefined,
    hasKey: key,
    hasLookup,
    hasList: list !== undefined,
    hasCancel: cancel !== undefined,
    states: Object.entries(words)
      .map(([word, state]) => `  ${propertyName(word)}: '${state}',`)
      .join('\n'),
    firstWord: Object.keys(words).find((word) => words[word] === 'PROCESSING') ?? 'PROCESSING',
    completedWord: Object.keys(words).find((word) => words[word] === 'COMPLETED') ?? 'COMPLETED',
    inputSource: inputSource(proposal, input),
    resultSource: result === undefined ? '' : nonNull(zodSource(result, 'answer')),
    jobSource: zodSource(job.body, 'answer'),
    pageSource: list === undefined ? '' : pageSource(list),
    modelImports: ['jobDto', 'jobInput', ...(list === undefined ? [] : ['jobPageDto']), 'jobResult'].join(', '),
    bodyContext: [
      'input',
      ...(submit.referenceField === undefined ? [] : ['reference']),
      ...(submit.callbackField === undefined ? [] : ['callbackUrl']),
      ...(submit.idempotency.kind === 'body' ? ['idempotencyKey'] : []),
    ].join(', '),
    bodyFields: bodyFields(proposal),
    idSource: asText(`job${access(job.id)}`, fieldsOf(job.body)[job.id]),
    idSample: literal(String(sampleOf(fieldsOf(job.body)[job.id] ?? {}))),
    errorCode: asText('error.code', errorFields['code']),
    errorMessage: asText('error.message', errorFields['message']),
    wordAccess: access(job.word),
    wordName: propertyName(job.word),
    referenceAccess: access(job.reference ?? ''),
    resultAccess: access(job.result ?? ''),
    errorAccess: access(job.error ?? ''),
    costAccess: access(job.costMicros ?? ''),
    submitMethod: submit.method,
    submitCall: `${submit.method} ${submit.path}`,
    submitStatus: String(submit.status),
    submitPath: submit.path.includes('{id}')
      ? `\`${submit.path.replace('{id}', '${encodeURIComponent(context.idempotencyKey)}')}\``
      : literal(submit.path),
    submitShellPath: submit.path.replace('{id}', 'spike-1'),
    statusCall: `GET ${status.path}`,
    statusTemplate: status.path.replace('{id}', '${encodeURIComponent(id)}'),
    statusShellPath: status.path.replace('{id}', '$JOB'),
    uploadMethod: upload?.method ?? '',
    uploadCall: `${upload?.method ?? ''} ${upload?.path ?? ''}`,
    uploadTemplate: (upload?.path ?? '').replace('{sha256}', '${sha256}'),
    cancelMethod: cancel?.method ?? '',
    cancelTemplate: (cancel?.path ?? '')
      .replace(status.path, '${jobPath(externalId)}')
      .replace('{id}', '${encodeURIComponent(externalId)}'),
    idempotency: idempotencySource(proposal),
    ...listValues(list),
    samples: samplesSource(proposal, sampleInput),
    inputSample: literal(sampleWithFile(proposal, sampleInput)),
    bodySample: literal(submit.referenceField === undefined ? {} : { [submit.referenceField]: 'key~1' }),
    jobSample: literal(sampleOf(job.body)),
    keyCurl: submit.idempotency.kind === 'header' ? `-H "${submit.idempotency.header}: spike-1" ` : '',
    sampleBody: JSON.stringify(sampleOf(submit.body)),
  };
}

/** The submit's body without what we fill ourselves. */
function inputOf({ submit }: Proposal): Schema {
  const ours = [
    submit.fileField,
    submit.referenceField,
    submit.callbackField,
    submit.idempotency.kind === 'body' ? submit.idempotency.field : undefined,
  ];
  const properties = Object.entries(fieldsOf(submit.body)).filter(([name]) => !ours.includes(name));
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    required: (submit.body.required ?? []).filter((name) => !ours.includes(name)),
  };
}

function inputSource({ submit }: Proposal, input: Schema): string {
  const fields = Object.keys(fieldsOf(input)).length === 0 ? 'z.strictObject({\n})' : zodSource(input, 'input');
  return submit.fileField === undefined ? fields : fields.replace('{\n', '{\n  document: documentRef,\n');
}

function bodyFields({ submit }: Proposal): string {
  const hash = (submit.fileField === undefined ? undefined : fieldsOf(submit.body)[submit.fileField])?.pattern ?? '';
  const lines = [
    submit.fileField === undefined ? '...input,' : '...fields,',
    ...(submit.fileField === undefined
      ? []
      : [
          `${propertyName(submit.fileField)}: ${hash.includes('sha256:') ? '`sha256:${document.sha256}`' : 'document.sha256'},`,
        ]),
    ...(submit.referenceField === undefined ? [] : [field(submit.referenceField, 'reference')]),
    ...(submit.idempotency.kind === 'body' ? [field(submit.idempotency.field, 'idempotencyKey')] : []),
    ...(submit.callbackField === undefined
      ? []
      : [`...(callbackUrl === undefined ? {} : { ${propertyName(submit.callbackField)}: callbackUrl }),`]),
  ];
  return lines.map((line) => `    ${line}`).join('\n');
}

const field = (name: string, value: string): string =>
  name === value ? `${name},` : `${propertyName(name)}: ${value},`;

function idempotencySource({ submit: { idempotency } }: Proposal): string {
  if (idempotency.kind === 'none') return "{ kind: 'none' }";
  const name = idempotency.kind === 'header' ? ` name: ${literal(idempotency.header)},` : '';
  return `{ kind: '${idempotency.kind}',${name} lifetimeMs: is.KEY_LIFETIME_MS }`;
}

function pageSource({ page, items }: NonNullable<Proposal['list']>): string {
  const others = Object.entries(fieldsOf(page)).filter(([name]) => name !== items);
  const required = new Set(page.required);
  const lines = others.map(
    ([name, schema]) =>
      `  ${propertyName(name)}: ${zodSource(schema, 'answer', '  ')}${required.has(name) ? '' : '.optional()'},`,
  );
  return `z.object({\n  ${propertyName(items)}: z.array(jobDto),\n${lines.join('\n')}\n})`;
}

function listValues(list: Proposal['list']): TemplateValues {
  const {
    position = '',
    limit = '',
    updatedAfter,
    reference = '',
    path = '',
    items = '',
    next,
    pagination,
  } = list ?? {};
  const query = [
    `${propertyName(position)}: ${pagination === 'cursor' ? 'cursor' : `Number(cursor ?? ${pagination === 'page' ? 1 : 0})`}`,
    limit === 'limit' ? 'limit' : `${propertyName(limit)}: limit`,
    ...(updatedAfter === undefined ? [] : [`${propertyName(updatedAfter)}: updatedAfter`]),
  ];
  const nextOf = {
    cursor: `const next = page${access(next ?? 'next')};`,
    offset: 'const next = jobs.length < limit ? undefined : String(Number(cursor ?? 0) + jobs.length);',
    page: 'const next = jobs.length < limit ? undefined : String(Number(cursor ?? 1) + 1);',
  }[pagination ?? 'cursor'];
  return {
    listPath: path,
    listQuery: query.map((one) => one.replace(/^(\w+): \1$/, '$1')).join(', '),
    listContext: ['cursor', 'limit', ...(updatedAfter === undefined ? [] : ['updatedAfter'])].join(', '),
    listReadContext: pagination === 'cursor' ? '' : ', { cursor, limit }',
    listNext: nextOf,
    itemsName: propertyName(items),
    itemsAccess: access(items),
    referenceParameter: propertyName(reference),
    limitParameter: propertyName(limit),
  };
}

function documentValues({ submit, upload }: Proposal, sampleInput: Readonly<Record<string, unknown>>): TemplateValues {
  const defaults = Object.entries(sampleInput).map(([name, value]) => `, ${propertyName(name)}: ${literal(value)}`);
  return {
    contentTypes: (upload?.types ?? []).map(literal).join(', '),
    fileDefaults: submit.fileField === undefined ? '' : defaults.join(''),
  };
}

function sampleWithFile({ submit, upload }: Proposal, sampleInput: Readonly<Record<string, unknown>>): unknown {
  if (submit.fileField === undefined) return sampleInput;
  const document = { uri: 'file:///a', sha256: 'ab'.repeat(32), bytes: 1, contentType: upload?.types[0] };
  return { document, ...sampleInput };
}

function samplesSource(proposal: Proposal, sampleInput: Readonly<Record<string, unknown>>): string {
  const { submit, upload } = proposal;
  if (submit.fileField !== undefined && upload?.types.includes('text/plain') === true) {
    return "  valid: (nth) => ({ file: `sample-${nth}.txt`, content: `Sample number ${nth}` }),\n  failing: { file: 'empty.txt', content: '', code: 'EMPTY_FILE' },";
  }
  const text = Object.keys(sampleInput).find((name) => sampleInput[name] === 'sample');
  const varied =
    text === undefined ? literal(sampleInput) : literal(sampleInput).replace("'sample'", '`sample ${nth}`');
  const valid = `  valid: (${text === undefined ? '' : 'nth'}) => ({ input: ${varied} }),`;
  const fails = failingField(submit);
  if (fails === undefined || proposal.job.error === undefined) return valid;
  return `${valid}\n  failing: { input: ${literal({ ...sampleInput, [fails]: 'fail' })}, code: 'REJECTED' },`;
}

function callRows({ upload, submit, status, cancel, list }: Proposal): string {
  const rows = [
    ...(upload === undefined ? [] : [[`${upload.method} ${upload.path}`, 'the file, under its own hash']]),
    [`${submit.method} ${submit.path}`, `the job; ${submit.status}`],
    [`GET ${status.path}`, 'its status and result'],
    ...(list === undefined ? [] : [[`GET ${list.path}`, 'listing jobs']]),
    ...(cancel === undefined ? [] : [[`${cancel.method} ${cancel.path}`, 'withdrawing it']]),
  ];
  return rows.map(([call, what]) => `| \`${call}\` | ${what} |`).join('\n');
}

function authValues(service: string, auth: ProposedAuth): TemplateValues {
  const variable = (name: string): string => `${service.toUpperCase().replaceAll('-', '_')}_${name}`;
  const set = (names: readonly string[]): string =>
    `; set ${names.map((name) => `\`${variable(name)}\``).join(' and ')}`;
  switch (auth.type) {
    case 'oauth_client_credentials': {
      const token = auth.tokenPath.startsWith('https:')
        ? auth.tokenPath
        : `https://auth.${service}.example.com${auth.tokenPath}`;
      return {
        authYaml: `auth:\n  type: oauth_client_credentials\n  token_url: ${token}\n  scopes: [${auth.scopes.map((scope) => `'${scope}'`).join(', ')}]\n  client_id: env:${variable('CLIENT_ID')}\n  client_secret: env:${variable('CLIENT_SECRET')}`,
        secretsToSet: set(['CLIENT_ID', 'CLIENT_SECRET']),
        scopes:
          auth.scopes.length === 0
            ? ''
            : ` Scopes: ${auth.scopes.map((scope) => `\`${scope}\``).join(', ')}, all that the document names; do without what is not needed.`,
        authCurl: '-H "Authorization: Bearer $TOKEN" ',
        spikeAuth: ` \`TOKEN\` is what \`${auth.tokenPath}\` gives for the client.`,
      };
    }
    case 'api_key':
      return {
        authYaml: `auth:\n  type: api_key\n  header: ${auth.header}\n  key: env:${variable('API_KEY')}`,
        secretsToSet: set(['API_KEY']),
        scopes: '',
        authCurl: `-H "${auth.header}: $KEY" `,
        spikeAuth: ' `KEY` is the API key.',
      };
    case 'basic':
      return {
        authYaml: `auth:\n  type: basic\n  username: env:${variable('USERNAME')}\n  password: env:${variable('PASSWORD')}`,
        secretsToSet: set(['USERNAME', 'PASSWORD']),
        scopes: '',
        authCurl: '-u "$USERNAME:$PASSWORD" ',
        spikeAuth: '',
      };
    case 'bearer':
      return {
        authYaml: `auth:\n  type: bearer\n  token: env:${variable('TOKEN')}`,
        secretsToSet: set(['TOKEN']),
        scopes: '',
        authCurl: '-H "Authorization: Bearer $TOKEN" ',
        spikeAuth: ' `TOKEN` is the token.',
      };
    default:
      return { authYaml: 'auth:\n  type: none', secretsToSet: '', scopes: '', authCurl: '', spikeAuth: '' };
  }
}

/** An expression as text: converted only where it is none. */
function asText(expression: string, schema: Schema | undefined): string {
  return /^z\.string\(\)$/.test(zodSource(schema ?? {}, 'answer')) ? expression : `String(${expression})`;
}

const nonNull = (source: string): string => source.replace(/\.nullable\(\)$/, '');
