import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JOB_EVENTS, TRANSITIONS } from '../../src/rules/state-machine.ts';
import { isTerminal, JOB_STATES } from '../../src/contracts/states.ts';

/** The repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const NOT_OURS = new Set(['node_modules', 'dist', 'coverage', '.git', '.playbook']);

/** Every Markdown file, by path from the root. */
export function markdownFiles(folder = ROOT): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return markdownFiles(path);
    return entry.name.endsWith('.md') ? [relative(ROOT, path)] : [];
  });
}

/** The text of a file, by path from the root. */
export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** The contents of a document's code blocks in one language. */
export function codeBlocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, code = '']) => code);
}

/** The arrows of a Mermaid diagram, without their labels. */
export function arrows(diagram: string): Set<string> {
  return new Set([...diagram.matchAll(/^ *(\S+) --> (\S+?)(?::.*)?$/gm)].map(([, from, to]) => `${from} --> ${to}`));
}

/** What a diagram of a job's states has to show. */
export function stateArrows(): Set<string> {
  const moves = JOB_STATES.flatMap((from) =>
    JOB_EVENTS.map((event) => TRANSITIONS[from][event])
      .filter((to) => to !== from)
      .map((to) => `${from} --> ${to}`),
  );
  const ends = JOB_STATES.filter(isTerminal).map((state) => `${state} --> [*]`);
  return new Set(['[*] --> CREATED', ...moves, ...ends]);
}
