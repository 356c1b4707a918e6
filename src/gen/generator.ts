import type { Integration, ServiceConfig } from '../definition/index.ts';
import type { RolloutPlan } from '../rules/rollout/plan.ts';

/** All that a generator may know: the same three give the same text, whatever the machine or the day. */
export interface GeneratorInput {
  readonly integration: Integration;
  /** Of the integration's `config.example.yaml`. */
  readonly config: ServiceConfig;
  /** Of the integration's `rollout.yaml`; the default plan where there is none. */
  readonly plan: RolloutPlan;
}

/** A file that is generated as a whole. Paths are from the package's folder, with `/`. */
export interface GeneratedFile {
  readonly kind: 'file';
  readonly path: string;
  readonly text: string;
}

/** What stands between two markers of a Markdown file that people write: see `setPart`. */
export interface GeneratedPart {
  readonly kind: 'part';
  readonly path: string;
  /** The name in the markers. */
  readonly part: string;
  /** Without the markers and the empty lines around it; formatted as Prettier would. */
  readonly text: string;
}

export type Generated = GeneratedFile | GeneratedPart;

/** Files of one folder that belong to a generator: one that is there and not generated any more is left over, and removed. */
export interface OwnedFiles {
  /** From the package's folder. */
  readonly folder: string;
  /** Matched against the file's name. */
  readonly pattern: RegExp;
}

/** Derives documents of an integration, so that nothing is written twice. Add one to `GENERATORS`. */
export interface Generator {
  /** Short; `playbook gen --only` takes it. */
  readonly name: string;
  /** One line, for the help. */
  readonly summary: string;
  /** Whole files that nobody else writes. @default none */
  readonly owns?: (service: string) => OwnedFiles;
  readonly generate: (input: GeneratorInput) => readonly Generated[];
}

/** A path in an integration's folder, from the package's. */
export function inFolder(service: string, name: string): string {
  return `integrations/${service}/${name}`;
}
