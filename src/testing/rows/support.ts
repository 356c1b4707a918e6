import { isDeepStrictEqual } from 'node:util';
import type { JobOutcome } from '../../contracts/index.ts';
import type { FaultsInput, RequestEntry } from '../../sandbox/index.ts';
import type { Bench } from '../bench.ts';

/** Thrown when a row finds something else than the definition promises. */
export class NotConformant extends Error {
  override readonly name = 'NotConformant';
}

const show = (value: unknown): string => JSON.stringify(value) ?? 'nothing';

/** @throws NotConformant unless both are the same */
export function same(what: string, actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) {
    throw new NotConformant(`${what}: expected ${show(expected)}, got ${show(actual)}`);
  }
}

/** @throws NotConformant unless it is true */
export function holds(what: string, isTrue: boolean): void {
  if (!isTrue) throw new NotConformant(what);
}

/** Checks how a job ended. */
export function endedAs(outcome: JobOutcome<unknown>, state: JobOutcome['state'], code: string | null = null): void {
  const { error } = outcome;
  const got = { state: outcome.state, code: error?.code ?? null };
  if (isDeepStrictEqual(got, { state, code })) return;
  throw new NotConformant(
    `The job ended ${got.state}${error === null ? '' : ` with ${error.code} (${error.message})`}, expected ${state}${code === null ? '' : ` with ${code}`}`,
  );
}

/** A method and a path, in which `*` is one segment. */
interface Place {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
}

const PROBE = 'conformance-probe';

function placeOf({ method, path }: Place): Place {
  const segments = path.split('/').map((segment) => (segment.includes(PROBE) ? '*' : segment));
  return { method, path: segments.join('/') };
}

/** Where submits go. */
export async function submitPlace({ subject, nextInput }: Bench): Promise<Place> {
  const input = await nextInput();
  return placeOf(subject.integration.submit.request({ input, reference: PROBE, idempotencyKey: PROBE }));
}

/** Where the status is asked for. */
export function statusPlace({ subject }: Bench): Place {
  return placeOf(subject.integration.status.request({ externalId: PROBE }));
}

/** What the sandbox received at a place since the request with number `since`. */
export function received({ sandbox }: Bench, { method, path }: Place, since: number): RequestEntry[] {
  const segments = path.split('/');
  return sandbox.requests({ method, since }).filter((entry) => {
    const own = entry.path.split('/');
    return (
      own.length === segments.length && segments.every((segment, index) => segment === '*' || segment === own[index])
    );
  });
}

/** The number of the sandbox's latest request. */
export const latest = ({ sandbox }: Bench): number => sandbox.requests().at(-1)?.seq ?? 0;

/** Runs something while faults are on, and says what was received meanwhile at the submit's place. */
export async function whileFaulty<Value>(
  bench: Bench,
  faults: FaultsInput,
  run: () => Promise<Value>,
): Promise<{ readonly value: Value; readonly submits: RequestEntry[] }> {
  const place = await submitPlace(bench);
  const since = latest(bench);
  bench.sandbox.faults(faults);
  try {
    const value = await run();
    return { value, submits: received(bench, place, since) };
  } finally {
    bench.sandbox.clearFaults();
  }
}

/** Starts one more valid job and waits for its end. */
export async function runOne(bench: Bench, key?: string): Promise<JobOutcome<unknown>> {
  return bench.ended(await bench.start(await bench.nextInput(), key));
}

/** How many of the submits made a job. */
export const acceptedOf = (submits: readonly RequestEntry[]): number =>
  submits.filter(({ accepted }) => accepted).length;
