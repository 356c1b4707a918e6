import type { Tokens } from '../auth/tokens.ts';
import type { ServiceClock } from '../clock.ts';
import type { LimitConfig, Limiter } from '../limiter.ts';
import type { Faults } from './schema.ts';
import type { FaultSwitches, ShownRule } from './switches.ts';

/** What is switched on at the moment. */
export interface FaultState {
  readonly rules: readonly ShownRule[];
  readonly clockOffsetMs: number;
  readonly limit: LimitConfig;
  readonly processing: { readonly minMs: number; readonly maxMs: number };
  readonly tokens: { readonly lifetimeS: number };
}

/** All fault switches behind one front. Faults do not outlive the process. */
export interface FaultPanel {
  readonly apply: (faults: Faults) => FaultState;
  /** Everything as it was at the start, apart from tokens that were revoked. */
  readonly clear: () => FaultState;
  readonly show: () => FaultState;
}

export interface PanelDependencies {
  readonly switches: FaultSwitches;
  readonly clock: ServiceClock;
  readonly limiter: Limiter;
  readonly tokens: Tokens;
  /** What the engine goes by; changed in place. */
  readonly processing: { minMs: number; maxMs: number };
}

export function createFaultPanel(deps: PanelDependencies): FaultPanel {
  const { switches, clock, limiter, tokens, processing } = deps;
  const normal = { limit: limiter.config(), lifetimeS: tokens.lifetimeS, processing: { ...processing } };

  const show = (): FaultState => ({
    rules: switches.rules(),
    clockOffsetMs: clock.offsetMs,
    limit: limiter.config(),
    processing: { ...processing },
    tokens: { lifetimeS: tokens.lifetimeS },
  });

  return {
    show,
    apply: (faults) => {
      switches.add(faults.rules);
      clock.offsetMs = faults.clockOffsetMs ?? clock.offsetMs;
      if (faults.limit !== undefined) limiter.configure(faults.limit);
      Object.assign(processing, faults.processing);
      tokens.lifetimeS = faults.tokens?.lifetimeS ?? tokens.lifetimeS;
      if (faults.tokens?.revoke === true) tokens.revokeAll();
      return show();
    },
    clear: () => {
      switches.clear();
      clock.offsetMs = 0;
      limiter.configure(normal.limit);
      Object.assign(processing, normal.processing);
      tokens.lifetimeS = normal.lifetimeS;
      return show();
    },
  };
}
