import { jobReference } from '../contracts/ids.ts';
import type { JobOutcome, JobState, ObservedState } from '../contracts/index.ts';
import type { Integration, RemoteJob } from '../definition/index.ts';
import type { RequestKind, ServiceClient } from '../http/types.ts';
import { RequestFailed } from '../http/types.ts';
import type { CoverageItem } from './report.ts';

/** Watches what of a definition is exercised. */
export interface Coverage {
  /** The same definition; its readers tell what they read. */
  readonly integration: Integration;
  /** The same client; its answers count. */
  readonly watch: (client: ServiceClient) => ServiceClient;
  /** A job has ended: with what was read of it, that says which way it went. */
  readonly ended: (outcome: Pick<JobOutcome, 'key' | 'generation' | 'state'>) => void;
  readonly items: () => CoverageItem[];
}

interface AnyEndpoint<Out, Context> {
  readonly read: (body: never, context: Context) => Out;
}

const KINDS: Readonly<Record<string, RequestKind>> = {
  upload: 'upload',
  submit: 'submit',
  status: 'poll',
  fetch: 'fetch',
  lookup: 'lookup',
  cancel: 'cancel',
  list: 'list',
};

const transitionName = (from: JobState, to: JobState): string => `transition ${from} → ${to}`;
const ruleName = ({ status, serviceCode, code }: NonNullable<Integration['errors']>[number]): string =>
  `error ${[status, serviceCode]
    .flat()
    .filter((part) => part !== undefined)
    .join(' ')} → ${code}`;

/** Everything a definition says that a test can make happen. */
function elements(integration: Integration): string[] {
  const { states, errors = [], webhook, lookup, submit, fetch } = integration;
  const reached = new Set<ObservedState>(Object.values(states));
  const { kind } = submit.idempotency;
  // Found over at once: where the repetition of a submit, or a search, shows the job as it is by then, its result included.
  const mayBeFoundOver = fetch === undefined && (kind === 'put-id' || lookup !== undefined);
  const transitions: readonly (readonly [boolean, JobState, JobState])[] = [
    [true, 'CREATED', 'PROCESSING'],
    [mayBeFoundOver, 'CREATED', 'COMPLETED'],
    [true, 'CREATED', 'FAILED'],
    [true, 'CREATED', 'CANCELED'],
    [true, 'PROCESSING', 'COMPLETED'],
    [true, 'PROCESSING', 'FAILED'],
    [integration.cancel !== undefined || reached.has('CANCELED'), 'PROCESSING', 'CANCELED'],
  ];
  return [
    ...Object.keys(KINDS).flatMap((name) =>
      integration[name as keyof Integration] === undefined ? [] : [`endpoint ${name}`],
    ),
    ...Object.entries(states).map(([word, state]) => `word ${word} → ${state}`),
    ...transitions.flatMap(([counts, from, to]) => (counts ? [transitionName(from, to)] : [])),
    ...errors.map(ruleName),
    ...(webhook === undefined
      ? []
      : (['COMPLETED', 'FAILED', 'CANCELED'] as const).flatMap((state) =>
          reached.has(state) ? [`event → ${state}`] : [],
        )),
  ];
}

function matches(wanted: unknown, actual: unknown): boolean {
  return wanted === undefined || (Array.isArray(wanted) ? wanted.includes(actual) : wanted === actual);
}

/** Starts to watch a definition. */
export function createCoverage(integration: Integration): Coverage {
  const seen = new Set<string>();
  const { states, errors = [], webhook } = integration;

  const noteJob = (job: RemoteJob | undefined): void => {
    if (job !== undefined) seen.add(`word ${job.word} → ${states[job.word]}`);
  };
  /** What the service first said of a job, by our reference. */
  const first = new Map<string, ObservedState>();
  const noteFirst = (job: RemoteJob | undefined, reference: string): void => {
    noteJob(job);
    const state = job === undefined ? undefined : states[job.word];
    if (state !== undefined && !first.has(reference)) first.set(reference, state);
  };
  const watched = <Out, Context>(
    endpoint: AnyEndpoint<Out, Context> | undefined,
    note: (out: Out, context: Context) => void,
  ) => {
    if (endpoint === undefined) return undefined;
    const read = (body: never, context: Context): Out => {
      const out = endpoint.read(body, context);
      note(out, context);
      return out;
    };
    return { ...endpoint, read };
  };
  const readers = {
    submit: watched(integration.submit, (job, { reference }) => noteFirst(job, reference)),
    status: watched(integration.status, noteJob),
    lookup: watched(integration.lookup, (job, { reference }) => noteFirst(job, reference)),
    cancel: watched(integration.cancel, noteJob),
    list: watched(integration.list, ({ jobs }) => jobs.forEach(noteJob)),
    webhook: webhook && {
      ...webhook,
      read: (event: unknown) => {
        const reading = webhook.read(event);
        seen.add(`event → ${reading.state}`);
        return reading;
      },
    },
  };
  const present = Object.entries(readers).filter(([, value]) => value !== undefined);

  return {
    integration: { ...integration, ...Object.fromEntries(present) },
    watch: (client) => ({
      ...client,
      send: async (request, signal) => {
        try {
          const response = await client.send(request, signal);
          const name = Object.keys(KINDS).find((key) => KINDS[key] === request.kind);
          if (name !== undefined) seen.add(`endpoint ${name}`);
          return response;
        } catch (error) {
          if (error instanceof RequestFailed) {
            const { status, serviceCode } = error.failure;
            const rule = errors.find((one) => matches(one.status, status) && matches(one.serviceCode, serviceCode));
            if (rule !== undefined) seen.add(ruleName(rule));
          }
          throw error;
        }
      },
    }),
    ended: (outcome) => {
      const observed = first.get(jobReference({ ...outcome, service: integration.service }));
      if (observed === 'PROCESSING') {
        seen.add(transitionName('CREATED', 'PROCESSING'));
        seen.add(transitionName('PROCESSING', outcome.state));
      } else seen.add(transitionName('CREATED', outcome.state));
    },
    items: () => elements(integration).map((name) => ({ name, exercised: seen.has(name) })),
  };
}
