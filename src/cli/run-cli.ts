import { badUsage } from './args/bad-usage.ts';
import { helpText } from './args/help.ts';
import { parseCommandLine } from './args/parse.ts';
import type { Parsed } from './args/parse.ts';
import { COMMANDS } from './commands/index.ts';
import { EXIT } from './exit-codes.ts';
import type { ExitCode } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import { errorJson, reportError } from './report-error.ts';
import { VERSION } from './version.ts';

/**
 * Runs one command line of `playbook`. Never rejects, never ends the process.
 * @param argv what follows `playbook`
 */
export async function runCli(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  let parsed: Parsed | undefined;
  try {
    if (argv.length === 0) {
      io.stderr.write(helpText(COMMANDS, []));
      throw badUsage('Say which command.', []);
    }
    parsed = parseCommandLine(COMMANDS, argv);
    switch (parsed.kind) {
      case 'help':
        io.stdout.write(helpText(parsed.node, parsed.path));
        return EXIT.ok;
      case 'version':
        io.stdout.write(`${VERSION}\n`);
        return EXIT.ok;
      case 'call':
      default: {
        const { command, path, options } = parsed;
        return await command.run({ io, path, options, arguments: parsed.arguments, commands: COMMANDS });
      }
    }
  } catch (error) {
    if (parsed?.kind === 'call' && answersErrorsInJson(parsed)) io.stdout.write(`${errorJson(error)}\n`);
    return reportError(io, error);
  }
}

/** `run` prints jobs and nothing else; the other commands' one answer may be an error. */
function answersErrorsInJson({ path, options }: Parsed & { readonly kind: 'call' }): boolean {
  return options['json'] === true && path[0] !== 'run';
}
