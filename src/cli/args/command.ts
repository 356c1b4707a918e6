import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';

/** One flag of a command. */
interface OptionSpec {
  /** The name of its value for the help; a flag without one is on or off. */
  readonly value?: string;
  /** May be given several times. */
  readonly multiple?: true;
  readonly summary: string;
}

/** One argument without a flag. */
export interface ArgumentSpec {
  readonly name: string;
  readonly optional?: true;
  /** Takes all that are left; only the last argument can. */
  readonly many?: true;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** The values of a command's flags, by what their specs say. */
export type OptionValues<Options extends OptionSpecs> = {
  readonly [Name in keyof Options]: Options[Name] extends { readonly value: string }
    ? Options[Name] extends { readonly multiple: true }
      ? readonly string[]
      : string | undefined
    : boolean;
};

/** A command as it was called. */
export interface Call<Options extends OptionSpecs = OptionSpecs> {
  readonly io: CliIo;
  /** Its names, for messages that point to its help. */
  readonly path: readonly string[];
  readonly options: OptionValues<Options>;
  readonly arguments: readonly string[];
  /** All commands there are, for those that read of commands. */
  readonly commands: CommandGroup;
}

export interface Command<Options extends OptionSpecs = OptionSpecs> {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** What else there is to know, for the command's own help. */
  readonly details?: string;
  readonly arguments: readonly ArgumentSpec[];
  readonly options: Options;
  /** Complete command lines. */
  readonly examples: readonly string[];
  readonly run: (call: Call<Options>) => Promise<ExitCode>;
}

/** Commands under a common name. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  /** What the name does by itself; without it one of the commands must follow. */
  readonly itself?: AnyCommand;
  readonly commands: readonly CommandNode[];
}

/** A command of any options, as the table holds it. */
export type AnyCommand = Omit<Command, 'run'> & { readonly run: (call: Call) => Promise<ExitCode> };
export type CommandNode = AnyCommand | CommandGroup;

/** Types a command by its own options. */
export function defineCommand<const Options extends OptionSpecs>(command: Command<Options>): AnyCommand {
  return command as unknown as AnyCommand;
}

export function isGroup(node: CommandNode): node is CommandGroup {
  return 'commands' in node;
}

/** The `--json` flag, the same everywhere. */
export const JSON_OPTION = { summary: 'one JSON object per line on stdout, nothing else' } as const;
