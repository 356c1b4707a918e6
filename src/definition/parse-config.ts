import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isNode, LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { PlaybookError } from '../contracts/errors.ts';
import { configRules } from './config-rules.ts';
import { withDefaults } from './config-defaults.ts';
import { parseStrictly } from './config-problems.ts';
import type { ConfigProblem } from './config-problems.ts';
import { configSchema } from './config-schema.ts';
import type { ServiceConfig } from './config-types.ts';
import { deepFreeze } from './deep-freeze.ts';
import { errorCode } from './error-code.ts';
import { showPath } from './issue-text.ts';

export interface ParseConfigOptions {
  /** The service's short name; default secret references are derived from it. */
  readonly service: string;
  /** Where the text comes from, for messages: a file name. @default 'config' */
  readonly source?: string;
}

/** Where a path stands in the YAML text: the line of its value, else of the nearest section above it. */
function lineOf(document: Document, lines: LineCounter, path: readonly (string | number)[]): number | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return undefined;
}

/**
 * Reads the text of a `config.yaml`: strictly, once, and frozen.
 * @throws PlaybookError CONFIG_INVALID with every problem, each with its line and path. Values that may be secret are not shown.
 */
export function parseConfig(text: string, options: ParseConfigOptions): ServiceConfig {
  const source = options.source ?? 'config';
  const lines = new LineCounter();
  // prettyErrors would quote the offending line, which may hold a secret.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw invalid(
      source,
      document.errors.map((error) => ({
        line: lines.linePos(error.pos[0]).line,
        text: `not valid YAML: ${error.code.toLowerCase().replaceAll('_', ' ')}`,
      })),
    );
  }
  const locate = (problem: ConfigProblem): Located => ({
    line: lineOf(document, lines, problem.path),
    text: `${showPath(problem.path)} ${problem.message}`,
  });
  const { value, problems } = parseStrictly(configSchema, toJs(document, source) ?? {});
  if (value === undefined) throw invalid(source, problems.map(locate));
  const config = withDefaults(value, options.service);
  const broken = configRules(config);
  if (broken.length > 0) throw invalid(source, broken.map(locate));
  return deepFreeze(config);
}

function toJs(document: Document, source: string): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    throw new PlaybookError(
      'CONFIG_INVALID',
      `${source} is not valid YAML: an alias (*) is unknown or used too often.`,
      { cause },
    );
  }
}

/**
 * Reads a `config.yaml` file.
 * @throws PlaybookError CONFIG_INVALID when it cannot be read, or as `parseConfig` does.
 */
export async function loadConfig(path: string, options: { readonly service: string }): Promise<ServiceConfig> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const message = `The configuration file ${path} cannot be read (${errorCode(cause)}). Check the path.`;
    throw new PlaybookError('CONFIG_INVALID', message, { cause });
  }
  return parseConfig(text, { service: options.service, source: path });
}

/** Identifies a configuration's content: SHA-256 in hex over its canonical JSON. Holds references only, so it may be shown. */
export function configDigest(config: ServiceConfig): string {
  return createHash('sha256').update(canonical(config)).digest('hex');
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, child: unknown) =>
    typeof child === 'object' && child !== null && !Array.isArray(child)
      ? Object.fromEntries(Object.entries(child).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : child,
  );
}

interface Located {
  readonly line: number | undefined;
  readonly text: string;
}

function invalid(source: string, problems: readonly Located[]): PlaybookError {
  const listed = problems
    .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))
    .map(({ line, text }) => `  ${line === undefined ? '' : `line ${line}: `}${text}`);
  return new PlaybookError(
    'CONFIG_INVALID',
    `${source} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${listed.join('\n')}`,
  );
}
