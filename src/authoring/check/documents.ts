import { dirname, posix } from 'node:path';
import { sectionNamed } from '../markdown.ts';
import type { MarkdownDocument, MarkdownTable } from '../markdown.ts';
import type { Facts } from './facts.ts';

/** What a template leaves to be written by a person stands between these. */
const PLACEHOLDER = /‹[^›]*›/;

/** A part of a document that has to be there. */
export interface Wanted {
  readonly heading: RegExp;
  /** The heading as one would write it. */
  readonly name: string;
}

/** The text below a heading, or why there is none: it is missing, empty, or still the template's. */
export function part(
  facts: Facts,
  path: string,
  { heading, name }: Wanted,
): { readonly text: string } | { readonly problems: readonly string[] } {
  const document = facts.documents.get(path);
  if (document === undefined) return { problems: [`${path} is missing: write it`] };
  const section = sectionNamed(document, heading);
  if (section === undefined) return { problems: [`${path} has no section "${name}": write it`] };
  const { text } = section;
  if (contentOf(text) === '') return { problems: [`${path}, "${name}", is empty: write it`] };
  const left = placeholders(text);
  if (left.length === 0) return { text };
  return { problems: left.map((one) => `${path}, "${name}", still holds ${one}: replace it`) };
}

/** What is wrong with the parts a document has to have. */
export function partProblems(facts: Facts, path: string, wanted: readonly Wanted[]): string[] {
  const problems = wanted.flatMap((one) => {
    const found = part(facts, path, one);
    return 'text' in found ? [] : found.problems;
  });
  return [...new Set(problems)];
}

/** What a template has left in a text. */
export function placeholders(text: string): string[] {
  return [...text.matchAll(new RegExp(PLACEHOLDER, 'g'))].map(([left]) => left);
}

/** The first table below a heading. */
export function tableBelow(facts: Facts, path: string, heading: RegExp): MarkdownTable | undefined {
  const document = facts.documents.get(path);
  const section = document === undefined ? undefined : sectionNamed(document, heading);
  return section === undefined || PLACEHOLDER.test(section.text)
    ? undefined
    : document?.tables.find(({ start, end }) => start >= section.start && end <= section.end);
}

/** Links that lead nowhere, and commands and scripts that do not exist. */
export function referenceProblems(facts: Facts, path: string): string[] {
  const document = facts.documents.get(path);
  if (document === undefined) return [];
  return [...linkProblems(facts, path, document), ...commandProblems(facts, path, document)];
}

function linkProblems(facts: Facts, path: string, document: MarkdownDocument): string[] {
  return document.links.flatMap((link) => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return [];
    const [file, anchor] = [link.replace(/#.*$/, ''), /#(.*)$/.exec(link)?.[1]];
    const target = file === '' ? path : posix.join(dirname(path), file);
    const text = facts.files.get(target) ?? facts.linked(target);
    if (text === undefined) return [`${path} links to ${link}, which is not there: correct the link`];
    if (anchor === undefined || text === null || !target.endsWith('.md')) return [];
    const prose = text.replaceAll(/^```[^]*?^```$/gm, '');
    const anchors = (prose.match(/(?<=^#+ ).+$/gm) ?? []).map(anchorOf);
    return anchors.includes(anchor) ? [] : [`${path} links to ${link}, which has no such heading: correct the link`];
  });
}

function commandProblems(facts: Facts, path: string, document: MarkdownDocument): string[] {
  const lines = [...document.snippets, ...document.code.flatMap(({ code }) => code.split('\n'))];
  const wrong = lines.flatMap((line) => {
    const command = /(?:^|\s)playbook ([a-z-].*)/.exec(line)?.[1];
    const problem = command === undefined ? undefined : facts.commandProblem(wordsOf(command));
    const script = /(?:^|\s)npm run (?:--silent )?([\w:-]+)/.exec(line)?.[1];
    return [
      ...(problem === undefined ? [] : [`${path} names \`playbook ${command}\`: ${problem}`]),
      ...(script === undefined || facts.scripts.has(script)
        ? []
        : [`${path} names \`npm run ${script}\`, and there is no such script: correct it`]),
    ];
  });
  return [...new Set(wrong)];
}

/** Splits a command as a shell would, up to a comment, a pipe or the next command. */
function wordsOf(command: string): string[] {
  const words = [...command.matchAll(/"[^"]*"|'[^']*'|[^\s"']+/g)].map(([word]) => word);
  const end = words.findIndex((word) => /^(#|\||&&|>|;)/.test(word));
  return end === -1 ? words : words.slice(0, end);
}

/** A heading's anchor, as the usual renderers make it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}

/** A section without its comments. */
function contentOf(text: string): string {
  return text.replaceAll(/<!--[^]*?-->/g, '').trim();
}
