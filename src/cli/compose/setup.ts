import type { Client } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import { PlaybookError } from '../../contracts/errors.ts';
import { SEARCH_ATTRIBUTES } from '../../contracts/search-attributes.ts';
import type { Integration } from '../../definition/index.ts';

const DAY_MS = 86_400_000;
/** However short the senders' retries are: a job's record is what makes its key idempotent. */
const MIN_RETENTION_MS = 7 * DAY_MS;
const { INDEXED_VALUE_TYPE_INT, INDEXED_VALUE_TYPE_KEYWORD } = proto.temporal.api.enums.v1.IndexedValueType;
const PROTO_TYPES = { INT: INDEXED_VALUE_TYPE_INT, KEYWORD: INDEXED_VALUE_TYPE_KEYWORD } as const;

/** What a namespace has and lacks of what Playbook needs. */
export interface NamespaceState {
  readonly namespace: string;
  readonly missing: readonly string[];
  /** Registered with another type than ours. */
  readonly mistyped: readonly string[];
  readonly retentionMs: number;
  readonly neededRetentionMs: number;
}

/** How long a namespace must keep closed workflows: their ids are the dedupe of keys and events. */
export function neededRetentionMs(integrations: readonly Integration[]): number {
  const horizons = integrations.flatMap(({ webhook, submit: { idempotency } }) => [
    webhook?.retryHorizonMs ?? 0,
    idempotency.kind === 'none' ? 0 : idempotency.lifetimeMs,
  ]);
  return Math.max(MIN_RETENTION_MS, ...horizons);
}

/** Looks at the client's namespace. */
export async function inspectNamespace(client: Client, integrations: readonly Integration[]): Promise<NamespaceState> {
  const { namespace } = client.options;
  const [{ customAttributes }, { config }] = await Promise.all([
    client.connection.operatorService.listSearchAttributes({ namespace }),
    client.workflowService.describeNamespace({ namespace }),
  ]);
  const attributes = Object.values(SEARCH_ATTRIBUTES).map(({ name, type }) => ({
    name,
    wanted: PROTO_TYPES[type],
    found: customAttributes[name],
  }));
  return {
    namespace,
    missing: attributes.flatMap(({ name, found }) => (found === undefined ? [name] : [])),
    mistyped: attributes.flatMap(({ name, wanted, found }) => (found !== undefined && found !== wanted ? [name] : [])),
    retentionMs: Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) * 1000,
    neededRetentionMs: neededRetentionMs(integrations),
  };
}

/** Registers search attributes; those that are there already must not be named. */
export async function registerAttributes(client: Client, names: readonly string[]): Promise<void> {
  const wanted = Object.values(SEARCH_ATTRIBUTES).filter(({ name }) => names.includes(name));
  await client.connection.operatorService.addSearchAttributes({
    namespace: client.options.namespace,
    searchAttributes: Object.fromEntries(wanted.map(({ name, type }) => [name, PROTO_TYPES[type]])),
  });
}

/** Has the namespace keep closed workflows for so long. */
export async function setRetention(client: Client, retentionMs: number): Promise<void> {
  await client.workflowService.updateNamespace({
    namespace: client.options.namespace,
    config: { workflowExecutionRetentionTtl: msToTs(retentionMs) },
  });
}

/** What is wrong with a namespace, in one sentence each; empty when all is well. */
export function setupProblems(state: NamespaceState): readonly string[] {
  const { namespace, missing, mistyped, retentionMs } = state;
  return [
    ...(missing.length === 0
      ? []
      : [`Namespace ${namespace} lacks the search attributes ${missing.join(', ')}: run \`playbook setup\`.`]),
    ...(mistyped.length === 0
      ? []
      : [
          `Namespace ${namespace} has ${mistyped.join(', ')} with another type than Playbook's: remove them there, then run \`playbook setup\`.`,
        ]),
    ...(retentionMs >= state.neededRetentionMs
      ? []
      : [
          `Namespace ${namespace} keeps closed workflows for ${days(retentionMs)}, and Playbook needs ${days(state.neededRetentionMs)}: run \`playbook setup --retention ${Math.ceil(state.neededRetentionMs / DAY_MS)}d\`.`,
        ]),
  ];
}

/** @throws PlaybookError SETUP_MISSING in one sentence per problem */
export async function checkSetup(client: Client, integrations: readonly Integration[]): Promise<void> {
  const problems = setupProblems(await inspectNamespace(client, integrations));
  if (problems.length > 0) throw new PlaybookError('SETUP_MISSING', problems.join('\n'));
}

export function days(ms: number): string {
  const value = Math.round((ms / DAY_MS) * 10) / 10;
  return `${value} ${value === 1 ? 'day' : 'days'}`;
}
