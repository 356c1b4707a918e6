import { StandardResolutionReasons, TypeMismatchError } from '@openfeature/server-sdk';
import type { EvaluationContext, Provider, ResolutionDetails } from '@openfeature/server-sdk';
import type { Client } from '@temporalio/client';
import { readControl, readGate } from '../client/index.ts';
import type { GateReading } from '../client/index.ts';
import type { ControlState } from '../contracts/control.ts';
import { decide } from '../rules/admission.ts';
import { messageOf } from '../rules/message-of.ts';

export interface PlaybookProviderOptions {
  /** How old the state may be that a flag is answered by, in milliseconds. @default 1000 */
  readonly maxAgeMs?: number;
  /** How long a reading may take, in milliseconds, before the answer is `false`. @default 2000 */
  readonly timeoutMs?: number;
  /** @default Date.now */
  readonly nowMs?: () => number;
}

/** What decides about a service's units. */
interface State {
  readonly control: ControlState;
  readonly gate: GateReading;
}

const FLAG = /^integrations\.([a-z0-9][a-z0-9-]*)\.enabled$/;
const { DISABLED, ERROR, SPLIT, TARGETING_MATCH } = StandardResolutionReasons;

/**
 * An OpenFeature provider over the same control state that admission decides by. One flag for each service:
 * `integrations.<service>.enabled`, evaluated for the unit in `targetingKey`. Deny goes before kill, kill before allow, allow before weight.
 *
 * Whatever goes wrong (no targeting key, another flag, Temporal away), the answer is `false` with reason `ERROR`, not the
 * caller's default: a service that cannot be asked about is not to be used. `flagMetadata.why` says why in one sentence.
 */
export function createPlaybookProvider(client: Client, options: PlaybookProviderOptions = {}): Provider {
  const { maxAgeMs = 1_000, timeoutMs = 2_000, nowMs = Date.now } = options;
  const known = new Map<string, { readonly readAtMs: number; readonly state: Promise<State> }>();

  const stateOf = (service: string): Promise<State> => {
    const earlier = known.get(service);
    if (earlier !== undefined && nowMs() - earlier.readAtMs < maxAgeMs) return earlier.state;
    const state = client.withDeadline(Date.now() + timeoutMs, async (): Promise<State> => {
      const [control, gate] = await Promise.all([readControl(client, service), readGate(client, service)]);
      return { control, gate };
    });
    known.set(service, { readAtMs: nowMs(), state });
    // A failure is not remembered: the next caller asks again.
    state.catch(() => known.delete(service));
    return state;
  };

  return {
    metadata: { name: 'playbook' },
    runsOn: 'server',
    resolveBooleanEvaluation: async (flagKey, _default, context) => {
      try {
        const service = FLAG.exec(flagKey)?.[1];
        if (service === undefined) return off(`There is no flag ${flagKey}: use integrations.<service>.enabled.`);
        const unit = unitOf(context);
        if (unit === undefined) return off('targetingKey must be the unit the job is for.');
        return evaluate(await stateOf(service), service, unit);
      } catch (error) {
        return off(messageOf(error));
      }
    },
    resolveStringEvaluation: mismatch,
    resolveNumberEvaluation: mismatch,
    resolveObjectEvaluation: mismatch,
  };
}

function evaluate({ control, gate }: State, service: string, unit: string): ResolutionDetails<boolean> {
  const decision = decide(control, { service, unit }, { fallback: false });
  const isListed = control.deny.includes(unit) || control.allow.includes(unit);
  const isKilled = gate.closed !== null && !control.deny.includes(unit);
  return {
    value: decision.admitted && !isKilled,
    reason: isKilled || (!control.enabled && !isListed) ? DISABLED : isListed ? TARGETING_MATCH : SPLIT,
    flagMetadata: {
      why: isKilled ? `${service} is killed: its gate is shut.` : decision.reason,
      revision: control.revision,
      ...(control.stage === undefined ? {} : { stage: control.stage }),
    },
  };
}

/** Without an error code: with one, the caller would get its own default. */
function off(why: string): ResolutionDetails<boolean> {
  return { value: false, reason: ERROR, flagMetadata: { why } };
}

function unitOf({ targetingKey }: EvaluationContext): string | undefined {
  return targetingKey === undefined || targetingKey === '' ? undefined : targetingKey;
}

async function mismatch(flagKey: string): Promise<never> {
  throw new TypeMismatchError(`${flagKey} is not of that type: Playbook's flags are boolean.`);
}
