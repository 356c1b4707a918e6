import { GENERATORS } from '../../gen/index.ts';
import type { Generator, Outdated } from '../../gen/index.ts';
import { badUsage, didYouMean } from '../args/bad-usage.ts';
import { bringUpToDate, findOutdated } from '../compose/generated-files.ts';
import { integrationOf, knownServices } from '../compose/service-configs.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { PACKAGE_FOLDER } from '../package-folders.ts';

export interface GenOptions {
  readonly path: readonly string[];
  /** Every integration if not given. */
  readonly service: string | undefined;
  /** Names of generators; all if none. */
  readonly only: readonly string[];
  /** Write nothing. */
  readonly check: boolean;
  readonly json: boolean;
  /** The folder that holds `integrations`. @default this package's */
  readonly root?: string;
}

/** Writes what follows from definitions, or says what differs. */
export async function generate(io: CliIo, options: GenOptions): Promise<ExitCode> {
  const { check, json, root = PACKAGE_FOLDER } = options;
  const generators = chosen(options);
  const services = options.service === undefined ? await knownServices() : [options.service];
  let isGood = true;
  for (const service of services) {
    const found = await findOutdated(root, await integrationOf(service), generators);
    if (!check) await bringUpToDate(root, found);
    const left = check ? found : found.filter(({ text }) => text === undefined);
    isGood &&= left.length === 0;
    if (json) {
      const files = found.map(({ text, ...file }) => ({ ...file, written: !check && text !== undefined }));
      io.stdout.write(`${JSON.stringify({ service, upToDate: left.length === 0, files })}\n`);
      continue;
    }
    for (const one of found) io.stdout.write(line(one, check));
    if (found.length === 0) io.stdout.write(`${service} is up to date.\n`);
    if (left.length > 0) {
      const next = check && left.some(({ text }) => text !== undefined) ? ` Run \`playbook gen ${service}\`.` : '';
      io.stderr.write(`${service} is not up to date.${next}\n`);
    }
  }
  return isGood ? EXIT.ok : EXIT.failed;
}

function line({ path, parts, problem, text }: Outdated, check: boolean): string {
  const what = parts.length === 0 ? path : `${path} (${parts.join(', ')})`;
  if (check || text === undefined) return `${what} ${problem}\n`;
  return text === null ? `removed  ${what}\n` : `wrote    ${what}\n`;
}

function chosen({ only, path }: GenOptions): readonly Generator[] {
  const names = GENERATORS.map(({ name }) => name);
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const near = didYouMean(unknown, names, (name) => name);
    throw badUsage(`There is no generator ${JSON.stringify(unknown)}.${near} Known: ${names.join(', ')}.`, path);
  }
  return only.length === 0 ? GENERATORS : GENERATORS.filter(({ name }) => only.includes(name));
}
