import { PlaybookError } from '../../contracts/errors.ts';
import { lazyClient, serverToUse, unreachable } from '../compose/external.ts';
import { integrationOf, knownServices } from '../compose/service-configs.ts';
import { days, inspectNamespace, registerAttributes, setRetention, setupProblems } from '../compose/setup.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { reportError } from '../report-error.ts';

export interface SetupOptions {
  /** Raise the namespace's retention to this, where it is shorter. */
  readonly retentionMs: number | undefined;
  readonly json: boolean;
}

/** Prepares a Temporal namespace; doing it again does nothing. */
export async function setUp(io: CliIo, { retentionMs, json }: SetupOptions): Promise<ExitCode> {
  const server = serverToUse(io);
  const integrations = await Promise.all((await knownServices()).map(integrationOf));
  const { client, close } = lazyClient(server);
  try {
    await client.connection.ensureConnected().catch((error: unknown) => {
      throw unreachable(server, error);
    });
    const before = await inspectNamespace(client, integrations);
    const said: string[] = [`Namespace ${before.namespace} at ${server.address}:`];
    if (before.missing.length > 0) await registerAttributes(client, before.missing);
    said.push(
      before.missing.length > 0
        ? `  registered the search attributes ${before.missing.join(', ')}`
        : '  has all search attributes',
    );
    const raises = retentionMs !== undefined && retentionMs > before.retentionMs;
    if (raises) await setRetention(client, retentionMs);
    const after = { ...before, missing: [], retentionMs: raises ? retentionMs : before.retentionMs };
    said.push(
      raises
        ? `  raised the retention from ${days(before.retentionMs)} to ${days(retentionMs)}`
        : `  keeps closed workflows for ${days(before.retentionMs)}; needed are ${days(before.neededRetentionMs)}`,
    );
    if (!json) io.stdout.write(`${said.join('\n')}\n`);
    else {
      const { namespace, missing: registered, neededRetentionMs } = before;
      const facts = { namespace, registered, retentionMs: after.retentionMs, neededRetentionMs };
      io.stdout.write(`${JSON.stringify({ ...facts, problems: setupProblems(after) })}\n`);
    }
    const problems = setupProblems(after);
    return problems.length === 0 ? EXIT.ok : reportError(io, new PlaybookError('SETUP_MISSING', problems.join('\n')));
  } finally {
    await close();
  }
}
