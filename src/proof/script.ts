import { spanOf } from './har.ts';
import type { Har, HarEntry } from './har.ts';

/** One request to expect, and when to send the webhooks that came around it. */
export interface ScriptStep {
  readonly entry: HarEntry;
  /** Webhooks that came while the answer was still outstanding. */
  readonly webhooksBefore: readonly HarEntry[];
  /** Webhooks that came after the answer and before the next request. */
  readonly webhooksAfter: readonly HarEntry[];
}

/** A recording as it is to happen again. */
export interface Script {
  readonly steps: readonly ScriptStep[];
  /** Requests for tokens: answered whenever they come. */
  readonly tokens: readonly HarEntry[];
  /** A webhook came before the first poll: no poll may come first this time, either. */
  readonly webhookBeforePolls: boolean;
}

/** Reads the script out of a proof's traffic. What never arrived at the service is left out: nobody is there to see it. */
export function scriptOf({ log: { entries } }: Har): Script {
  const arrived = entries.filter(({ _playbook: { failure } }) => failure?.arrival !== 'never');
  const kindOf = (entry: HarEntry): string => entry._playbook.kind;
  const tokens = arrived.filter((entry) => kindOf(entry) === 'token');
  const webhooks = arrived.filter((entry) => kindOf(entry) === 'webhook' && entry.response.status < 300);
  const requests = arrived.filter((entry) => !['token', 'webhook'].includes(kindOf(entry)));
  const steps = requests.map((entry, index): ScriptStep => {
    const { toMs } = spanOf(entry);
    const next = requests[index + 1];
    const fromMs = index === 0 ? -Infinity : spanOf(entry).fromMs;
    const untilMs = next === undefined ? Infinity : spanOf(next).fromMs;
    const within = webhooks.filter((one) => spanOf(one).fromMs >= fromMs && spanOf(one).fromMs < untilMs);
    return {
      entry,
      webhooksBefore: within.filter((one) => spanOf(one).fromMs < toMs),
      webhooksAfter: within.filter((one) => spanOf(one).fromMs >= toMs),
    };
  });
  const firstPoll = requests.find((entry) => kindOf(entry) === 'poll');
  const [firstWebhook] = webhooks;
  const webhookBeforePolls =
    firstWebhook !== undefined && (firstPoll === undefined || spanOf(firstWebhook).fromMs <= spanOf(firstPoll).fromMs);
  return { steps, tokens, webhookBeforePolls };
}
