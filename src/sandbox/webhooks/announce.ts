import type { ServiceClock } from '../clock.ts';
import { newId } from '../ids.ts';
import { eventOf } from '../shape/shape.ts';
import type { InlineText, Shape } from '../shape/shape.ts';
import type { Delivery, Job } from '../state/entities.ts';
import type { WebhookEvent } from './events.ts';

/** Standard Webhooks asks for payloads below 20 kB; a text that would not fit is left to a GET. */
const MAX_PAYLOAD_BYTES = 20_000;

export interface AnnouncerDependencies {
  readonly shape: Shape;
  readonly clock: ServiceClock;
  readonly events: readonly WebhookEvent[];
}

/** Creates what turns a job's new state into a webhook, if its caller asked for one and the event is sent at all. */
export function createAnnouncer(deps: AnnouncerDependencies): (job: Job, inline: InlineText) => Delivery | undefined {
  return (job, inline) => {
    const event = eventOf[job.state];
    if (job.callbackUrl === null || !deps.events.includes(event)) return undefined;
    const write = (text: InlineText): string | undefined =>
      JSON.stringify(deps.shape.renderEvent(event, deps.clock.now(), job, text));
    const full = write(inline);
    if (full === undefined) return undefined; // this API has no such event
    const body = Buffer.byteLength(full) < MAX_PAYLOAD_BYTES ? full : (write({}) ?? full);
    const { callbackUrl: url, traceparent } = job;
    const delivery = { id: newId('msg'), event, url, body, attempts: 0, nextAtMs: Date.now() };
    return traceparent === undefined ? delivery : { ...delivery, traceparent };
  };
}
