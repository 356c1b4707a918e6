import type { z } from 'zod';
import type { RemoteJob, SubmitContext, WebhookReading } from '../../../src/definition/index.ts';
import { STATES } from './constants.ts';
import type { eventDto, scanDto, ScanInput } from './models.ts';

/** The body of `PUT /v2/scans/{id}`. */
export function toScanBody({ input, reference, callbackUrl }: SubmitContext<ScanInput>) {
  const notify = callbackUrl === undefined ? {} : { notify_url: callbackUrl };
  return { recording: input.recording.sha256, label: reference, ...notify };
}

/** wavescan's scan in the playbook's terms; its result is fetched apart. */
export function toRemoteJob({ scan_id, phase, label, problem }: z.infer<typeof scanDto>): RemoteJob {
  const error = problem === null ? {} : { error: { code: problem.kind, message: problem.detail } };
  return { externalId: scan_id, word: phase, ...(label === null ? {} : { reference: label }), ...error };
}

/** `scan.ready` and the like: the event's name ends with the phase. */
export function readEvent({ event, scan_id, label }: z.infer<typeof eventDto>): WebhookReading {
  const state = STATES[event.replace(/^scan\./, '')];
  return { state, externalId: scan_id, ...(label === null ? {} : { reference: label }) };
}
