import type { ControlState } from '../contracts/control.ts';

/** The control state of a service, at most `maxAgeMs` old: for those who cannot do with what others have read. */
export type ReadControl = (service: string, maxAgeMs?: number) => Promise<ControlState>;

/**
 * Remembers each service's control state for a moment, so that a flood of jobs costs one read.
 * @param options.maxAgeMs @default 1000
 */
export function createControlReader(options: {
  readonly read: (service: string) => Promise<ControlState>;
  readonly nowMs: () => number;
  readonly maxAgeMs?: number;
}): ReadControl {
  const { read, nowMs, maxAgeMs: usualMs = 1_000 } = options;
  const known = new Map<string, { readonly readAtMs: number; readonly control: Promise<ControlState> }>();
  return (service, maxAgeMs = usualMs) => {
    const earlier = known.get(service);
    if (earlier !== undefined && nowMs() - earlier.readAtMs < maxAgeMs) return earlier.control;
    const control = read(service);
    known.set(service, { readAtMs: nowMs(), control });
    // A failure is not remembered: the next caller asks again.
    control.catch(() => known.delete(service));
    return control;
  };
}
