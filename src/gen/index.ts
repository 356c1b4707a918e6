import { alertRules } from './alert-rules.ts';
import { dashboard } from './dashboard.ts';
import { diagram } from './diagram.ts';
import type { Generator } from './generator.ts';
import { readme } from './readme.ts';
import { runbook } from './runbook.ts';
import { schemas } from './schemas.ts';

export { outdated } from './outdated.ts';
export type { Outdated } from './outdated.ts';
export type { Generator, GeneratorInput } from './generator.ts';

/** What is derived for every integration: by `playbook gen`, and checked by `playbook gen --check`. */
export const GENERATORS: readonly Generator[] = [schemas, diagram, readme, runbook, alertRules, dashboard];
