import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { isGroup, type CommandNode } from '../../src/cli/args/command.ts';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { errorsPage } from '../../scripts/errors-page.ts';
import { metricsPage } from '../../scripts/metrics-page.ts';
import { arrows, codeBlocks, markdownFiles, ROOT, stateArrows, textOf } from './markdown.ts';

/** Prose without code blocks. */
const prose = (markdown: string): string => markdown.replaceAll(/^```[^]*?^```$/gm, '');

/** A heading's anchor, as the usual renderers make it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');

const anchorsOf = (path: string): string[] =>
  [...prose(textOf(path)).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));

describe.each(markdownFiles())('%s', (path) => {
  it('links to what is there', () => {
    const links = [...prose(textOf(path)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
    const broken = links.filter((link) => {
      if (/^[a-z]+:/.test(link)) return false;
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : join(dirname(path), file);
      return !existsSync(join(ROOT, target)) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
    });
    expect(broken).toEqual([]);
  });

  it('names files and folders that are there', () => {
    const named = [...prose(textOf(path)).matchAll(/`([\w.-]+\/[\w./-]+)`/g)].map(([, name = '']) => name);
    const folders = /^(src|test|tests|docs|integrations|scripts|ops|bench|schemas|demos|diagrams)\//;
    const missing = named.filter(
      (name) => folders.test(name) && ![ROOT, join(ROOT, dirname(path))].some((from) => existsSync(join(from, name))),
    );
    expect(missing).toEqual([]);
  });

  it('names commands that exist', () => {
    const called = [...textOf(path).matchAll(/npx playbook ((?:[a-z][a-z-]* ?)+)/g)].map(([, words = '']) =>
      words.trim(),
    );
    expect(called.filter((words) => !isCommand(words.split(' ')))).toEqual([]);
  });
});

/** Whether words begin with a command; what follows it are its arguments. */
function isCommand(words: readonly string[]): boolean {
  let node: CommandNode = COMMANDS;
  for (const word of words) {
    if (!isGroup(node)) return true;
    const next: CommandNode | undefined = node.commands.find(({ name }) => name === word);
    if (next === undefined) return false;
    node = next;
  }
  return !isGroup(node) || node.itself !== undefined;
}

describe('docs/errors.md', () => {
  it('is the registry; `npm run docs` writes it', () => {
    expect(textOf('docs/errors.md')).toBe(errorsPage());
  });
});

describe('docs/metrics.md', () => {
  it('is the catalogue; `npm run docs` writes it', () => {
    expect(textOf('docs/metrics.md')).toBe(metricsPage());
  });
});

describe('docs/architecture.md', () => {
  it('lists the folders of src, all of them and no other', () => {
    const listed = [...textOf('docs/architecture.md').matchAll(/^\| `src\/([\w-]+)` /gm)].map(([, name = '']) => name);
    const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(listed.toSorted()).toEqual(folders.map(({ name }) => name).toSorted());
  });
});

describe('README.md', () => {
  it('shows the example as it is, in at most 20 lines', () => {
    const example = textOf('integrations/docproc/demos/extract-text.ts');
    expect(codeBlocks(textOf('README.md'), 'ts')).toEqual([example]);
    expect(example.trimEnd().split('\n').length).toBeLessThanOrEqual(20);
  });

  it('gives the two commands, and the scripts behind them exist', () => {
    const scripts = Object.keys((JSON.parse(textOf('package.json')) as { scripts: object }).scripts);
    expect(codeBlocks(textOf('README.md'), '')).toEqual(
      expect.arrayContaining(['npm ci && npm start\n', 'npm ci && npm test\n']),
    );
    const mentioned = markdownFiles().flatMap((path) =>
      [...textOf(path).matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name),
    );
    expect(mentioned.filter((name) => !scripts.includes(name))).toEqual([]);
  });
});

describe('a picture of the state machine', () => {
  it.each(['README.md', 'docs/architecture.md', 'integrations/docproc/diagrams/state-and-sequence.md'])(
    'in %s shows every transition of the code, and no other',
    (path) => {
      const [diagram = ''] = codeBlocks(textOf(path), 'mermaid').filter((code) => code.startsWith('stateDiagram-v2'));
      expect(arrows(diagram)).toEqual(stateArrows());
    },
  );
});
