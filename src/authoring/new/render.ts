import { authValues, variableName } from './auth-values.ts';
import { listValues } from './list-values.ts';
import type { Proposal, Schema } from './proposal.ts';
import { failingCode, failingField, sandboxFile } from './sandbox-file.ts';
import { access, literal, personalFields, propertyName, sampleOf, zodSource } from './schema-source.ts';
import { extensionOf } from '../../rules/content-type.ts';
import { fieldOf, fieldsOf } from './schema.ts';
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
  const result = job.result === undefined ? undefined : fieldOf(job.body, job.result);
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
      upload === undefined
        ? `\`npx playbook up\`, then \`npx playbook jobs start ${service} --key first --input input.json\``
        : `\`npx playbook run ${service} letter.txt\``,
    ...authValues(service, proposal.auth),
    calls: callRows(proposal),
    repetition: key
      ? 'A repeated submit is the same job at the service for 24 hours (gap 3).'
      : 'The service recognises no repeated submit: one of unknown fate is looked up before anything is sent again.',
    endWords: Object.keys(words)
      .filter((word) => words[word] !== 'PROCESSING')
      .join(', '),
    classified:
      personal.length === 0
        ? 'none: no field looked like a person’s. Mark what is in `src/models.ts` and name it here.'
        : `${personal.map((field) => `\`${field}\``).join(', ')} of the result may name people and are personal data.`,
    gapRows: proposal.guesses
      .map(
        (guess, index) =>
          `| ${index + 4} | Contract | ${guess.replaceAll('|', '\\|')} Is that so? | Medium | Guessed by \`playbook new\`: compare with the service | ${answers.owner} | Open |`,
      )
      .join('\n'),
    hasWebhook: submit.callbackField !== undefined,
    eventType: propertyName(proposal.webhook.type),
    eventData: propertyName(proposal.webhook.data),
    eventTypeAs: proposal.webhook.type === 'type' ? 'type' : `${propertyName(proposal.webhook.type)}: type`,
    eventDataAs: proposal.webhook.data === 'data' ? 'data' : `${propertyName(proposal.webhook.data)}: data`,
    events: Object.entries(proposal.webhook.events)
      .map(([event, state]) => `  ${propertyName(event)}: '${state}',`)
      .join('\n'),
    webhookSecret: variableName(service, 'WEBHOOK_SECRET'),
    callbackSecret: variableName(service, 'CALLBACK_SECRET'),
    hasUpload: upload !== undefined,
    hasPersonal: personalFields(job.body).length > 0 || (list !== undefined && personalFields(list.page).length > 0),
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
    jobSource: zodSource(job.body, 'answer'),
    modelImports: [
      ...(submit.callbackField === undefined ? [] : ['eventDto']),
      'jobDto',
      'jobInput',
      ...(list === undefined ? [] : ['jobPageDto']),
      'jobResult',
    ].join(', '),
    bodyContext: [
      'input',
      ...(submit.referenceField === undefined ? [] : ['reference']),
      ...(submit.callbackField === undefined ? [] : ['callbackUrl']),
      ...(submit.idempotency.kind === 'body' ? ['idempotencyKey'] : []),
    ].join(', '),
    bodyFields: bodyFields(proposal),
    idSource: asText(`job${access(job.id)}`, fieldOf(job.body, job.id)),
    idSample: literal(String(sampleOf(fieldOf(job.body, job.id)))),
    wordAccess: access(job.word),
    wordName: propertyName(job.word),
    ...jobValues(job),
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
    ...(upload === undefined ? {} : uploadValues(upload, sampleInput)),
    ...(cancel === undefined ? {} : cancelValues(cancel, status)),
    ...(list === undefined ? {} : listValues(list)),
    idempotency: idempotencySource(proposal),
    keyErrors: keyErrorsSource(proposal),
    samples: samplesSource(proposal, sampleInput),
    inputSample: literal(sampleWithFile(proposal, sampleInput)),
    bodySample: literal(submit.referenceField === undefined ? {} : { [submit.referenceField]: 'key~1' }),
    jobSample: literal(sampleOf(job.body)),
    keyCurl: submit.idempotency.kind === 'header' ? `-H "${submit.idempotency.header}: spike-1" ` : '',
    sampleBody: JSON.stringify(sampleOf(submit.body)),
  };
}

/** How the parts of a job's answer are read that not every service has. */
function jobValues({ body, reference, result, error, costMicros }: Proposal['job']): TemplateValues {
  return {
    ...(reference === undefined ? {} : { referenceAccess: access(reference) }),
    ...(result === undefined ? {} : resultValues(result, fieldOf(body, result))),
    ...(error === undefined ? {} : errorValues(error, fieldOf(body, error))),
    ...(costMicros === undefined ? {} : { costAccess: access(costMicros) }),
  };
}

function resultValues(name: string, schema: Schema): TemplateValues {
  return { resultAccess: access(name), resultSource: nonNull(zodSource(schema, 'answer')) };
}

function errorValues(name: string, schema: Schema): TemplateValues {
  return {
    errorAccess: access(name),
    errorCode: asText('error.code', fieldOf(schema, 'code')),
    errorMessage: asText('error.message', fieldOf(schema, 'message')),
  };
}

function uploadValues(
  { method, path, types }: NonNullable<Proposal['upload']>,
  sampleInput: Readonly<Record<string, unknown>>,
): TemplateValues {
  const defaults = Object.entries(sampleInput).map(([name, value]) => `, ${propertyName(name)}: ${literal(value)}`);
  return {
    uploadMethod: method,
    uploadCall: `${method} ${path}`,
    uploadTemplate: path.replace('{sha256}', '${sha256}'),
    contentTypes: types.map(literal).join(', '),
    fileDefaults: defaults.join(''),
  };
}

function cancelValues({ method, path }: NonNullable<Proposal['cancel']>, status: Proposal['status']): TemplateValues {
  return {
    cancelMethod: method,
    cancelPath:
      path === status.path
        ? 'jobPath(externalId)'
        : `\`${path.replace(status.path, '${jobPath(externalId)}').replace('{id}', '${encodeURIComponent(externalId)}')}\``,
  };
}

/** The submit's body without what we fill ourselves. */
function inputOf({ submit, upload }: Proposal): Schema {
  const ours = [
    upload?.field,
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

function inputSource({ upload }: Proposal, input: Schema): string {
  const fields = Object.keys(fieldsOf(input)).length === 0 ? 'z.strictObject({\n})' : zodSource(input, 'input');
  return upload === undefined ? fields : fields.replace('{\n', '{\n  document: documentRef,\n');
}

function bodyFields({ submit, upload }: Proposal): string {
  const lines = [
    ...(upload === undefined
      ? ['...input,']
      : ['...fields,', fileHash(upload.field, fieldOf(submit.body, upload.field))]),
    ...(submit.referenceField === undefined ? [] : [field(submit.referenceField, 'reference')]),
    ...(submit.idempotency.kind === 'body' ? [field(submit.idempotency.field, 'idempotencyKey')] : []),
    ...(submit.callbackField === undefined
      ? []
      : [`...(callbackUrl === undefined ? {} : { ${propertyName(submit.callbackField)}: callbackUrl }),`]),
  ];
  return lines.map((line) => `    ${line}`).join('\n');
}

const fileHash = (name: string, { pattern = '' }: Schema): string =>
  `${propertyName(name)}: ${pattern.includes('sha256:') ? '`sha256:${document.sha256}`' : 'document.sha256'},`;

const field = (name: string, value: string): string =>
  name === value ? `${name},` : `${propertyName(name)}: ${value},`;

function idempotencySource({ submit: { idempotency } }: Proposal): string {
  if (idempotency.kind === 'none') return "{ kind: 'none' }";
  const name = idempotency.kind === 'header' ? ` name: ${literal(idempotency.header)},` : '';
  return `{ kind: '${idempotency.kind}',${name} lifetimeMs: is.KEY_LIFETIME_MS }`;
}

/** Error rules for a key that is in use, and for one that was used for other input: statuses of the IETF's draft, and the sandbox's codes. */
function keyErrorsSource({ submit: { idempotency } }: Proposal): string {
  const reused = (status: number, code: string): string =>
    `    { status: ${status}, serviceCode: '${code}', code: 'IDEMPOTENCY_KEY_REUSED', retryable: false, conflict: 'invalid' },`;
  if (idempotency.kind === 'put-id') return reused(409, 'ID_CONFLICT');
  const inUse = `    { status: 409, serviceCode: 'IDEMPOTENCY_KEY_IN_USE', code: 'CONFLICT', retryable: true, throttled: true, conflict: 'busy' },`;
  return [inUse, reused(422, 'IDEMPOTENCY_KEY_REUSED')].join('\n');
}

function sampleWithFile({ upload }: Proposal, sampleInput: Readonly<Record<string, unknown>>): unknown {
  if (upload === undefined) return sampleInput;
  const document = { uri: 'file:///a', sha256: 'ab'.repeat(32), bytes: 1, contentType: upload.types[0] };
  return { document, ...sampleInput };
}

function samplesSource(proposal: Proposal, sampleInput: Readonly<Record<string, unknown>>): string {
  const { submit, upload } = proposal;
  const { body, error } = proposal.job;
  if (upload !== undefined) return fileSamples(upload.types);
  const text = Object.keys(sampleInput).find((name) => sampleInput[name] === 'sample');
  const varied =
    text === undefined ? literal(sampleInput) : literal(sampleInput).replace("'sample'", '`sample ${nth}`');
  const valid = `  valid: (${text === undefined ? '' : 'nth'}) => ({ input: ${varied} }),`;
  const fails = failingField(submit);
  if (fails === undefined || error === undefined) return valid;
  return `${valid}\n  failing: { input: ${literal({ ...sampleInput, [fails]: 'fail' })}, code: ${literal(failingCode(fieldOf(body, error)))} },`;
}

/** The sandbox reads texts; of any other kind of file it takes whatever has the name of one. */
function fileSamples(types: readonly string[]): string {
  const text = types.includes('text/plain');
  const extension = text ? '.txt' : (types.map(extensionOf).find((one) => one !== undefined) ?? '.bin');
  const valid = `  valid: (nth) => ({ file: \`sample-\${nth}${extension}\`, content: \`Sample number \${nth}\` }),`;
  return text ? `${valid}\n  failing: { file: 'empty.txt', content: '', code: 'EMPTY_FILE' },` : valid;
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

/** An expression as text: converted only where it is none. */
function asText(expression: string, schema: Schema): string {
  return /^z\.string\(\)$/.test(zodSource(schema, 'answer')) ? expression : `String(${expression})`;
}

const nonNull = (source: string): string => source.replace(/\.nullable\(\)$/, '');
