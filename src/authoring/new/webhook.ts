import type { ObservedState } from '../../contracts/states.ts';
import { USUAL_WEBHOOK } from './proposal.ts';
import type { Proposal, ProposedWebhook, Schema } from './proposal.ts';
import { fieldsOf } from './schema.ts';
import { stateOf } from './state-words.ts';

/** What is proposed of webhooks: as the service's payloads say where they are clear, else what is usual. */
export function webhookOf(
  payloads: readonly Schema[],
  { job, words, takesUrl }: Pick<Proposal, 'job' | 'words'> & { readonly takesUrl: string | undefined },
  guess: (sentence: string) => void,
): ProposedWebhook {
  if (takesUrl === undefined) {
    if (payloads.length > 0)
      guess('Webhooks are documented, but no field of a submit takes their URL: jobs are polled.');
    return USUAL_WEBHOOK;
  }
  const clear = payloads.map((payload) => payloadOf(payload, job, words)).filter((one) => one !== undefined);
  const [first] = clear;
  const alike = clear.filter((one) => one.type === first?.type && one.data === first.data);
  const events: ProposedWebhook['events'] = Object.assign({}, ...alike.map((one) => one.events));
  const isClear = first !== undefined && Object.values(events).includes('COMPLETED');
  const webhook = isClear ? { ...first, events } : USUAL_WEBHOOK;
  const { type, data } = webhook;
  guess(
    `\`${takesUrl}\` takes the URL webhooks go to. ${isClear ? 'As documented they are' : 'No payload of theirs is clear: they are proposed as'} named in \`${type}\`: ${Object.keys(webhook.events).join(', ')}, with the job as \`${data}\`. They are taken as Standard Webhooks; one that is signed otherwise is refused, and its job polled.`,
  );
  return webhook;
}

/** A payload that is clear: one field names the event by its end, such as `job.failed`, another holds all that a job's answer must. */
function payloadOf(payload: Schema, job: Proposal['job'], words: Proposal['words']): ProposedWebhook | undefined {
  const fields = Object.entries(fieldsOf(payload));
  const must = [job.id, job.word, ...(job.body.required ?? [])];
  const data = fields.find(([, field]) => must.every((name) => Object.hasOwn(fieldsOf(field), name)))?.[0];
  const named = fields.flatMap(([type, field]) => {
    const names = [...(field.enum ?? []), field.const].filter((name) => typeof name === 'string');
    const claims = names
      .map((name) => [name, claimOf(name, words)] as const)
      .filter(([, state]) => state !== undefined);
    return claims.length === 0 ? [] : [{ type, events: Object.fromEntries(claims) as ProposedWebhook['events'] }];
  })[0];
  return data === undefined || named === undefined ? undefined : { ...named, data };
}

function claimOf(event: string, words: Proposal['words']): ObservedState | undefined {
  const end = /[^./:-]*$/.exec(event)?.[0] ?? '';
  const word = Object.keys(words).find((one) => one.toLowerCase() === end.toLowerCase());
  return word === undefined ? stateOf(end) : words[word];
}
