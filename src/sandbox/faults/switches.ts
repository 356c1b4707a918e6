import { compilePathPattern } from '../path-pattern.ts';
import type { PathPattern } from '../path-pattern.ts';
import type { Prng } from '../prng.ts';
import type { FaultRule } from './schema.ts';

type RequestRule = Extract<FaultRule, { at?: unknown } | { kind: 'truncate' | 'drip' | 'drift' }>;
type RuleOf<K extends FaultRule['kind']> = Extract<FaultRule, { kind: K }>;

/** What will go wrong with one request. */
export interface RequestPlan {
  readonly latencyMs: { readonly before: number; readonly inside: number; readonly after: number };
  readonly error: RuleOf<'error'> | undefined;
  readonly reset: 'before' | 'after' | undefined;
  readonly truncate: RuleOf<'truncate'> | undefined;
  readonly drip: RuleOf<'drip'> | undefined;
  readonly drifts: readonly RuleOf<'drift'>[];
  /** The kinds that hit, for the request log. */
  readonly names: string;
}

/** What will go wrong with one attempt to deliver a webhook. */
interface WebhookPlan {
  readonly drop: boolean;
  /** Sent beyond the one that is due. */
  readonly copies: number;
  readonly badSignature: boolean;
}

/** A rule as `GET /_sandbox/faults` shows it. */
export type ShownRule = FaultRule & { readonly id: number; readonly hits: number };

/** The faults switched on at the moment. Which request they hit follows from the seed and the order of arrival. */
export interface FaultSwitches {
  readonly add: (rules: readonly FaultRule[]) => void;
  readonly clear: () => void;
  readonly rules: () => ShownRule[];
  readonly planRequest: (method: string, path: string) => RequestPlan;
  readonly planWebhook: (event: string) => WebhookPlan;
  /** How long a webhook is held before its first attempt. */
  readonly holdWebhook: (event: string) => number;
}

interface Armed {
  readonly id: number;
  readonly rule: FaultRule;
  readonly matchesPath: PathPattern;
  seen: number;
  hits: number;
}

const noFault: RequestPlan = {
  latencyMs: { before: 0, inside: 0, after: 0 },
  error: undefined,
  reset: undefined,
  truncate: undefined,
  drip: undefined,
  drifts: [],
  names: '',
};

const isWebhookRule = (rule: FaultRule): boolean => rule.kind.startsWith('webhook-');

export function createFaultSwitches(prng: Prng): FaultSwitches {
  let armed: Armed[] = [];
  let lastId = 0;

  /** Counts the match and decides whether it is hit. */
  const hits = (candidate: Armed): boolean => {
    const { rule } = candidate;
    candidate.seen += 1;
    if (candidate.seen <= rule.skip || candidate.hits >= (rule.count ?? Number.POSITIVE_INFINITY)) return false;
    if (rule.rate < 1 && prng() >= rule.rate) return false;
    candidate.hits += 1;
    return true;
  };

  const forRequest = (method: string, path: string): RequestRule[] =>
    armed
      .filter(({ rule, matchesPath }) => {
        if (isWebhookRule(rule)) return false;
        const wanted = (rule as RequestRule).method;
        return (wanted === undefined || wanted === method) && matchesPath(path);
      })
      .filter(hits)
      .map(({ rule }) => rule as RequestRule);

  const forWebhook = <K extends FaultRule['kind']>(event: string, ...kinds: K[]): RuleOf<K>[] =>
    armed
      .filter(({ rule }) => {
        const wanted = 'event' in rule ? rule.event : undefined;
        return (kinds as string[]).includes(rule.kind) && (wanted === undefined || wanted === event);
      })
      .filter(hits)
      .map(({ rule }) => rule as RuleOf<K>);

  const addLatency = (plan: RequestPlan, rule: RuleOf<'latency'>): RequestPlan => {
    const ms = rule.ms + prng() * Math.max(0, (rule.maxMs ?? rule.ms) - rule.ms);
    return { ...plan, latencyMs: { ...plan.latencyMs, [rule.at]: plan.latencyMs[rule.at] + ms } };
  };

  const addRule = (plan: RequestPlan, rule: RequestRule): RequestPlan => {
    switch (rule.kind) {
      case 'latency':
        return addLatency(plan, rule);
      case 'error':
        return { ...plan, error: plan.error ?? rule };
      case 'reset':
        return { ...plan, reset: plan.reset ?? rule.at };
      case 'truncate':
        return { ...plan, truncate: rule };
      case 'drip':
        return { ...plan, drip: rule };
      default:
        return { ...plan, drifts: [...plan.drifts, rule] };
    }
  };

  return {
    add: (rules) => {
      for (const rule of rules) {
        lastId += 1;
        const pattern = isWebhookRule(rule) ? undefined : (rule as RequestRule).path;
        armed.push({ id: lastId, rule, matchesPath: compilePathPattern(pattern ?? '/**'), seen: 0, hits: 0 });
      }
    },
    clear: () => {
      armed = [];
    },
    rules: () => armed.map(({ id, rule, hits: count }) => ({ id, ...rule, hits: count })),
    planRequest: (method, path) => {
      if (armed.length === 0) return noFault;
      const rules = forRequest(method, path);
      return { ...rules.reduce(addRule, noFault), names: rules.map((rule) => rule.kind).join(',') };
    },
    planWebhook: (event) => ({
      drop: forWebhook(event, 'webhook-drop').length > 0,
      copies: forWebhook(event, 'webhook-duplicate').reduce((sum, rule) => sum + rule.copies, 0),
      badSignature: forWebhook(event, 'webhook-bad-signature').length > 0,
    }),
    holdWebhook: (event) =>
      forWebhook(event, 'webhook-delay', 'webhook-reorder').reduce(
        (sum, rule) => sum + (rule.kind === 'webhook-delay' ? rule.ms : prng() * rule.withinMs),
        0,
      ),
  };
}
