import type { Integration, ServiceConfig } from '../../definition/index.ts';
import type { Gap } from '../gaps.ts';
import type { MarkdownDocument } from '../markdown.ts';
import type { RolloutPlan } from '../../rules/rollout/plan.ts';

/** What was read, or why it could not be. */
export type Read<T> = { readonly value: T } | { readonly problem: string };

/** What the latest run of one test file showed, and whether that still speaks of today's code. */
export interface TestRun {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Neither the test nor the integration's code has changed since. */
  readonly isOfToday: boolean;
}

/** Everything a check looks at; gathered beforehand, so that the checks themselves decide and read nothing. */
export interface Facts {
  readonly service: string;
  /** The folder's text files by path within it, such as `README.md`, in the order of their paths. */
  readonly files: ReadonlyMap<string, string>;
  /** Its Markdown files, read. */
  readonly documents: ReadonlyMap<string, MarkdownDocument>;
  /** Of `context-gaps.md`. */
  readonly gaps: Read<readonly Gap[]>;
  readonly definition: Read<Integration>;
  /** `config.example.yaml`. */
  readonly config: Read<ServiceConfig>;
  /** `rollout.yaml`. */
  readonly plan: Read<RolloutPlan>;
  /** By path within the folder; `undefined`: never run here. */
  readonly testRun: (path: string) => TestRun | undefined;
  /** What does not follow from the definition as it should, such as a schema's file. */
  readonly outdated: readonly string[];
  /** What is wrong with a command line of ours, its first word `playbook` left out. */
  readonly commandProblem: (words: readonly string[]) => string | undefined;
  readonly scripts: ReadonlySet<string>;
  /** A linked file by its path from the integration's folder: its text, `null` for one that has none, `undefined` where there is none. */
  readonly linked: (path: string) => string | null | undefined;
}

/** Which of the guide's lists a line belongs to. */
export type List = 'ready' | 'done' | 'security';

/** One line of a list, and how it is decided. */
export interface Line {
  readonly id: string;
  readonly list: List;
  /** As the list says it. */
  readonly what: string;
  /** What keeps it from being true, each with what to do; nothing: it is. */
  readonly look: (facts: Facts) => readonly string[];
}
