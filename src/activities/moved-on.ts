import { decide } from '../rules/admission.ts';
import type { Route } from '../contracts/states.ts';
import type { ReadControl } from './control-reader.ts';
import type { Services } from './services.ts';

/** If the control state has moved on since a job's admission and would decide otherwise now, says how: nothing is sent then. */
export async function movedOn(
  deps: { readonly services: Services; readonly readControl: ReadControl },
  job: { readonly service: string; readonly unit: string; readonly route: Route; readonly revision: number },
): Promise<string | undefined> {
  const { service, unit, route, revision } = job;
  const control = await deps.readControl(service);
  if (control.revision === revision) return undefined;
  const now = decide(control, { service, unit }, { fallback: deps.services.has(service, 'fallback') });
  if (now.admitted && now.route === route) return undefined;
  return `Admitted at revision ${revision}; at ${control.revision}: ${now.reason}`;
}
