import { createHash } from 'node:crypto';
import type { BatchJob } from '../contracts/batch.ts';
import { PlaybookError } from '../contracts/errors.ts';
import { KEY_PATTERN } from '../contracts/ids.ts';
import type { Json } from '../contracts/json.ts';
import { parseInput, type Integration } from '../definition/index.ts';
import { fingerprint } from './fingerprint.ts';

/** One job of many. */
export interface BatchItem<Input> {
  /** The caller's idempotency key, as for a single job. */
  readonly key: string;
  readonly input: Input;
  /** Who it is for. @default the batch's unit, else the key */
  readonly unit?: string;
  /** A deliberate repetition of a job that failed is the next one. @default 1 */
  readonly generation?: number;
}

/** The jobs of one workflow. */
export interface PackedPart {
  readonly part: number;
  readonly jobs: readonly BatchJob[];
  readonly last: boolean;
  /** SHA-256 over keys, units, generations and inputs. */
  readonly digest: string;
}

/** An item that becomes no job. */
export type OnRefused = (item: BatchItem<unknown>, error: PlaybookError) => void;

/** Inputs of one part, in bytes of JSON: they are one payload. */
const PART_BYTES = 192 * 1024;

/**
 * Packs jobs into parts, in order and always the same way, so that a caller who brings them again finds what is there.
 * @param options.onRefused for keys that are none or are there twice in a part with other input; an exact repetition is left out
 * @throws PlaybookError for such a key where nobody is told of it
 */
export async function* packJobs(
  integration: Integration,
  source: AsyncIterable<BatchItem<unknown>> | Iterable<BatchItem<unknown>>,
  options: { readonly jobsPerPart: number; readonly unit?: string; readonly onRefused?: OnRefused },
): AsyncGenerator<PackedPart, void> {
  let jobs: BatchJob[] = [];
  let prints = new Map<string, string>();
  let bytes = 0;
  let part = 0;
  let digest = createHash('sha256');

  const flush = (last: boolean): PackedPart => {
    const packed = { part, jobs, last, digest: digest.digest('hex') };
    part += 1;
    jobs = [];
    prints = new Map();
    bytes = 0;
    digest = createHash('sha256');
    return packed;
  };

  for await (const item of source) {
    const refused = refusal(item, prints);
    if (refused === 'repeated') continue;
    if (refused !== undefined) {
      if (options.onRefused === undefined) throw refused;
      options.onRefused(item, refused);
      continue;
    }
    const { key, generation = 1, unit = options.unit ?? key } = item;
    const input = inputOf(integration, item.input);
    const size = Buffer.byteLength(JSON.stringify(input)) + 2 * key.length + 64;
    if (jobs.length >= options.jobsPerPart || (jobs.length > 0 && bytes + size > PART_BYTES)) yield flush(false);
    const print = fingerprint(input);
    jobs.push({ key, input, ...(unit === key ? {} : { unit }), ...(generation === 1 ? {} : { generation }) });
    prints.set(key, fingerprint(item.input));
    digest.update(JSON.stringify([key, unit, generation, print]));
    bytes += size;
  }
  if (jobs.length > 0) yield flush(true);
}

function refusal(
  { key, input }: BatchItem<unknown>,
  prints: ReadonlyMap<string, string>,
): PlaybookError | 'repeated' | undefined {
  if (!KEY_PATTERN.test(key)) {
    const shown = JSON.stringify(key.slice(0, 80));
    return new PlaybookError(
      'INVALID_KEY',
      `Key ${shown} is not valid. Use 1 to 200 printable ASCII characters without spaces, quotes or backslashes.`,
    );
  }
  const earlier = prints.get(key);
  if (earlier === undefined) return undefined;
  if (earlier === fingerprint(input)) return 'repeated';
  return new PlaybookError(
    'IDEMPOTENCY_KEY_REUSED',
    `Key ${key} is in the batch twice, with other input. Use a key of its own.`,
  );
}

/** What does not fit the schema goes on as it is: the worker refuses it, and that job alone fails. */
function inputOf(integration: Integration, input: unknown): Json {
  try {
    return parseInput(integration, input) as Json;
  } catch (error) {
    if (!(error instanceof PlaybookError)) throw error;
    return (JSON.parse(JSON.stringify(input ?? null)) ?? null) as Json;
  }
}
