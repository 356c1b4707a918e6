import { readFile } from 'node:fs/promises';
import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { PlaybookError } from '../contracts/errors.ts';
import { WEEKDAYS } from '../rules/rollout/freeze.ts';
import { DEFAULT_PLAN, PLAN_DEFAULTS, planProblems, STAGE_DEFAULTS } from '../rules/rollout/plan.ts';
import type { RolloutPlan } from '../rules/rollout/plan.ts';
import { watcherProblems } from '../rules/slo/watchers.ts';
import { parseStrictly } from './config-problems.ts';
import { durationMs } from './config-schema.ts';
import { deepFreeze } from './deep-freeze.ts';
import { errorCode } from './error-code.ts';
import { showPath } from './issue-text.ts';

const YEAR_MS = 366 * 86_400_000;
const time = durationMs(0, YEAR_MS);
const share = z.number().gt(0).lt(1);
const micros = z.int().positive();
const weight = z.int().min(0).max(10_000);

const watcher = z.discriminatedUnion('metric', [
  z.strictObject({ metric: z.literal('errors'), objective: share, abort: share }),
  z.strictObject({ metric: z.literal('latency'), percentile: share, objectiveMs: time, abortMs: time }),
  z.strictObject({
    metric: z.literal('cost'),
    objectiveMicros: micros,
    abortMicros: micros,
    capMicros: micros,
    stageLimitMicros: micros.exactOptional(),
  }),
]);

const moment = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const freeze = z.union([
  z.strictObject({ weekly: z.array(z.enum(WEEKDAYS)).min(1).max(6) }),
  z.strictObject({ from: moment, to: moment }).transform(({ from, to }) => ({ fromMs: from, toMs: to })),
]);

const stage = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/),
  route: z.enum(['live', 'fallback']).default(STAGE_DEFAULTS.route),
  allow: z.array(z.string().min(1).max(200)).max(500).default([]),
  weightBps: weight.default(STAGE_DEFAULTS.weightBps),
  minSamples: z.int().positive().default(STAGE_DEFAULTS.minSamples),
  minSoak: time.default(STAGE_DEFAULTS.minSoakMs),
  deadline: time.default(STAGE_DEFAULTS.deadlineMs),
  onDeadline: z.enum(['ask', 'abort']).default(STAGE_DEFAULTS.onDeadline),
  approval: z.boolean().default(STAGE_DEFAULTS.approval),
  quiet: time.default(STAGE_DEFAULTS.quietMs),
  spendLimitMicros: micros.exactOptional(),
  confidence: z
    .strictObject({
      alpha: share,
      beta: share,
      phi: z.strictObject({
        floor: z.number().min(1),
        abortFloor: z.number().min(1).exactOptional(),
        ceiling: z.number().min(1),
      }),
    })
    .default(STAGE_DEFAULTS.confidence),
});

const planSchema = z.strictObject({
  stages: z.array(stage).min(1).max(50),
  watchers: z
    .array(watcher)
    .min(1)
    .default([...DEFAULT_PLAN.watchers]),
  safeWeightBps: weight.default(PLAN_DEFAULTS.safeWeightBps),
  bake: time.default(PLAN_DEFAULTS.bakeMs),
  lease: durationMs(60_000, 86_400_000).default(PLAN_DEFAULTS.leaseMs),
  freeze: z.array(freeze).default([]),
  onAbort: z.enum(['drain', 'cancel']).default(PLAN_DEFAULTS.onAbort),
});

/**
 * Reads the text of a `rollout.yaml`, strictly. Durations are milliseconds or such as `30m`.
 * @throws PlaybookError CONFIG_INVALID with every problem and its path
 */
export function parseRolloutPlan(text: string, source = 'rollout.yaml'): RolloutPlan {
  const { value, problems } = parseStrictly(planSchema, readYaml(text, source));
  if (value === undefined) throw invalid(source, problems);
  const { bake, lease, stages, ...rest } = value;
  const plan: RolloutPlan = {
    ...rest,
    bakeMs: bake,
    leaseMs: lease,
    stages: stages.map(({ minSoak, deadline, quiet, ...more }) => ({
      ...more,
      minSoakMs: minSoak,
      deadlineMs: deadline,
      quietMs: quiet,
    })),
  };
  const broken = [
    ...plan.watchers.flatMap((each, i) => watcherProblems(each).map((message) => ({ path: ['watchers', i], message }))),
    ...planProblems(plan),
  ];
  if (broken.length > 0) throw invalid(source, broken);
  return deepFreeze(plan);
}

/**
 * Reads a `rollout.yaml`; the default plan where there is no such file, unless it was asked for by name.
 * @throws PlaybookError CONFIG_INVALID
 */
export async function loadRolloutPlan(path: string, { isNamed = false } = {}): Promise<RolloutPlan> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT' && !isNamed) return DEFAULT_PLAN;
    const message = `The rollout plan ${path} cannot be read (${errorCode(cause)}). Check the path.`;
    throw new PlaybookError('CONFIG_INVALID', message, { cause });
  }
  return parseRolloutPlan(text, path);
}

function readYaml(text: string, source: string): unknown {
  try {
    return parse(text) as unknown;
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    const [problem] = error.message.split('\n'); // what follows draws the line
    throw new PlaybookError('CONFIG_INVALID', `${source} is not valid YAML: ${problem}`, { cause: error });
  }
}

function invalid(
  source: string,
  problems: readonly { readonly path: readonly (string | number)[]; readonly message: string }[],
): PlaybookError {
  const lines = problems.map(({ path, message }) => `  ${path.length === 0 ? 'the plan' : showPath(path)} ${message}`);
  return new PlaybookError('CONFIG_INVALID', `${source} has ${problems.length} problem(s):\n${lines.join('\n')}`);
}
