import { discardDeadLetter, listDeadLetters, retryDeadLetter } from '../../webhooks/index.ts';
import type { DeadLetter, DeadLetterFilter, DeadLetterRef } from '../../webhooks/index.ts';
import { checkService } from '../compose/operated-services.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { columns } from '../output/job-text.ts';
import { withRunning } from './jobs.ts';

/** Lists webhook events for which no job was found. */
export async function listLetters(
  io: CliIo,
  { json, ...filter }: DeadLetterFilter & { readonly json: boolean },
): Promise<ExitCode> {
  return withRunning(io, async ({ client }) => {
    const letters: DeadLetter[] = [];
    let found = 0;
    for await (const letter of listDeadLetters(client, filter)) {
      found += 1;
      if (json) io.stdout.write(`${JSON.stringify(letter)}\n`);
      else letters.push(letter);
    }
    if (found === 0 && filter.service !== undefined) await checkService(client, filter.service);
    if (!json) io.stdout.write(table(letters));
    return EXIT.ok;
  });
}

/** Looks for the job of a dead letter again. */
export async function retryLetter(io: CliIo, letter: DeadLetterRef, json: boolean): Promise<ExitCode> {
  return withRunning(io, async ({ client }) => {
    const runId = await retryDeadLetter(client, letter);
    done(io, json, { ...letter, runId }, `Looking again for the job of event ${letter.eventId}.`);
    return EXIT.ok;
  });
}

/** Gives a dead letter up for good. */
export async function discardLetter(
  io: CliIo,
  letter: DeadLetterRef,
  why: { readonly actor: string; readonly reason: string },
  json: boolean,
): Promise<ExitCode> {
  return withRunning(io, async ({ client }) => {
    const runId = await discardDeadLetter(client, letter, why);
    done(io, json, { ...letter, runId }, `Discarded event ${letter.eventId}; the Web UI keeps who and why.`);
    return EXIT.ok;
  });
}

function done(io: CliIo, json: boolean, facts: object, text: string): void {
  io.stdout.write(json ? `${JSON.stringify(facts)}\n` : `${text}\n`);
}

function table(letters: readonly DeadLetter[]): string {
  if (letters.length === 0) return 'No dead letters.\n';
  const rows = letters.map(({ service, eventId, externalId, state, deadSinceMs }) => [
    service,
    eventId,
    externalId,
    state,
    new Date(deadSinceMs).toISOString().slice(0, 19).replace('T', ' '),
  ]);
  return columns([['SERVICE', 'EVENT', 'EXTERNAL ID', 'CLAIMS', 'DEAD SINCE (UTC)'], ...rows]);
}
