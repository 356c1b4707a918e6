import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../docs/markdown.ts';

/** A project of its own with one shipped integration, whose code runs on this project's. */
export interface ProjectCopy {
  readonly folder: string;
  readonly edit: (path: string, change: (text: string) => string) => void;
  readonly remove: (path: string) => void;
  /** Makes a record of test runs, as the tests' reporter would after a run of everything but what `change` says is `never` run. */
  readonly recordRuns: (change?: (path: string) => Partial<Run> | 'never' | undefined) => void;
  /** Puts the documents and the record of test runs back as they were; code that was loaded stays loaded. */
  readonly restore: () => void;
  readonly close: () => void;
}

interface Run {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly files: Readonly<Record<string, string>>;
}

export function copyProject(service: string): ProjectCopy {
  const folder = mkdtempSync(join(tmpdir(), 'playbook-project-'));
  for (const name of ['src', 'docs']) symlinkSync(join(ROOT, name), join(folder, name));
  cpSync(join(ROOT, 'ops'), join(folder, 'ops'), { recursive: true }); // what is generated is written there
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(join(ROOT, 'node_modules/zod'), join(folder, 'node_modules/zod'));
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  const own = join(folder, 'integrations', service);
  cpSync(join(ROOT, 'integrations', service), own, { recursive: true });
  const hash = (path: string): string =>
    createHash('sha256')
      .update(readFileSync(join(folder, path)))
      .digest('hex');
  const copy: ProjectCopy = {
    folder,
    edit: (path, change) => {
      const before = readFileSync(join(own, path), 'utf8');
      const after = change(before);
      if (after === before) throw new Error(`nothing in ${path} was changed`);
      writeFileSync(join(own, path), after);
    },
    remove: (path) => rmSync(join(own, path), { recursive: true }),
    recordRuns: (change) => {
      const paths = readdirSync(own, { recursive: true, encoding: 'utf8' }).map(
        (name) => `integrations/${service}/${name}`,
      );
      const sources = paths.filter((path) => path.includes('/src/') && path.endsWith('.ts'));
      const runs = paths
        .filter((path) => path.endsWith('.test.ts'))
        .flatMap((path) => {
          const changed = change?.(path);
          if (changed === 'never') return [];
          const files = Object.fromEntries([path, ...sources].map((file) => [file, hash(file)]));
          return [[path, { passed: 3, failed: 0, skipped: 0, files, ...changed }]];
        });
      const cache = join(folder, 'node_modules/.cache/playbook');
      mkdirSync(cache, { recursive: true });
      writeFileSync(join(cache, 'test-runs.json'), JSON.stringify(Object.fromEntries(runs)));
    },
    restore: () => {
      rmSync(own, { recursive: true });
      cpSync(join(ROOT, 'integrations', service), own, { recursive: true });
      copy.recordRuns();
    },
    close: () => rmSync(folder, { recursive: true }),
  };
  copy.recordRuns();
  return copy;
}
