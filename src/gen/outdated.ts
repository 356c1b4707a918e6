import type { Generated, Generator, GeneratorInput } from './generator.ts';
import { markersOf, setPart } from './parts.ts';

/** The files as they are now. */
export interface PresentFiles {
  /** `undefined` where there is no such file. */
  readonly read: (path: string) => Promise<string | undefined>;
  /** Names of the files in a folder; none where there is no such folder. */
  readonly list: (folder: string) => Promise<readonly string[]>;
}

/** A file that is not as it would be generated. */
export interface Outdated {
  readonly generator: string;
  readonly path: string;
  /** Names of the parts that differ; empty for a whole file. */
  readonly parts: readonly string[];
  /** One sentence. */
  readonly problem: string;
  /** What the file should hold; `null`: it should not be there; `undefined`: somebody has to write it, or its markers, first. */
  readonly text: string | null | undefined;
}

/** Compares what the generators give with what is there. Files are written by nobody here. */
export async function outdated(
  generators: readonly Generator[],
  input: GeneratorInput,
  files: PresentFiles,
): Promise<readonly Outdated[]> {
  const found: Outdated[] = [];
  /** Texts with the parts set so far: several generators may write into one document. */
  const texts = new Map<string, string>();
  for (const generator of generators) {
    const generated = generator.generate(input);
    for (const path of new Set(generated.map((one) => one.path))) {
      const before = texts.get(path) ?? (await files.read(path));
      const wanted = generated.filter((one) => one.path === path);
      const problem = compare(generator.name, path, before, wanted);
      if (problem === undefined) continue;
      if (typeof problem.text === 'string') texts.set(path, problem.text);
      found.push(problem);
    }
    found.push(...(await leftOver(generator, input, generated, files)));
  }
  return found;
}

function compare(
  generator: string,
  path: string,
  before: string | undefined,
  wanted: readonly Generated[],
): Outdated | undefined {
  let text = before;
  const parts: string[] = [];
  for (const one of wanted) {
    if (one.kind === 'file') {
      text = one.text;
      continue;
    }
    const next = text === undefined ? undefined : setPart(text, one.part, one.text);
    if (next === undefined) return unwritable(generator, path, one.part, before === undefined);
    if (next !== text) parts.push(one.part);
    text = next;
  }
  if (text === undefined || text === before) return undefined;
  const problem = before === undefined ? 'is missing' : `differs from line ${firstDifference(before, text)} on`;
  return { generator, path, parts, problem, text };
}

function unwritable(generator: string, path: string, part: string, isMissing: boolean): Outdated {
  const { begin, end } = markersOf(part);
  const lines = `the lines \`${begin}\` and \`${end}\` where its ${part} belong`;
  const problem = isMissing ? `is missing: write it, with ${lines}` : `needs, once and in this order, ${lines}`;
  return { generator, path, parts: [part], problem, text: undefined };
}

async function leftOver(
  { name, owns }: Generator,
  { integration }: GeneratorInput,
  generated: readonly Generated[],
  files: PresentFiles,
): Promise<Outdated[]> {
  const owned = owns?.(integration.service);
  if (owned === undefined) return [];
  const wanted = new Set(generated.map(({ path }) => path));
  const names = (await files.list(owned.folder)).filter((file) => owned.pattern.test(file));
  return names
    .map((file) => `${owned.folder}/${file}`)
    .filter((path) => !wanted.has(path))
    .map((path) => ({ generator: name, path, parts: [], problem: 'is left over: nothing generates it', text: null }));
}

function firstDifference(before: string, after: string): number {
  const [left, right] = [before.split('\n'), after.split('\n')];
  const index = right.findIndex((line, i) => line !== left[i]);
  return (index === -1 ? right.length : index) + 1;
}
