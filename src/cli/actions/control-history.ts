import { readChanges } from '../../client/index.ts';
import { checkService } from '../compose/operated-services.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { clockTime } from '../output/format.ts';
import { columns } from '../output/job-text.ts';
import { withRunning } from './jobs.ts';

/** Who changed what, when and why. */
export async function showHistory(
  io: CliIo,
  { service, json }: { readonly service: string; readonly json: boolean },
): Promise<ExitCode> {
  return withRunning(io, async ({ client }) => {
    await checkService(client, service);
    const entries = await readChanges(client, service);
    if (json) {
      for (const { revision, what, actor, reason, atMs } of entries) {
        const at = new Date(atMs).toISOString();
        io.stdout.write(`${JSON.stringify({ service, at, revision, what, actor, reason })}\n`);
      }
      return EXIT.ok;
    }
    const rows = entries.map(({ revision, what, actor, reason, atMs }) => [
      clockTime(atMs),
      revision === null ? 'gate' : String(revision),
      actor,
      what,
      reason.replaceAll('\n', ' '),
    ]);
    io.stdout.write(
      rows.length === 0
        ? `${service} has never been changed: it is off.\n`
        : columns([['WHEN', 'REVISION', 'WHO', 'WHAT', 'WHY'], ...rows]),
    );
    return EXIT.ok;
  });
}
