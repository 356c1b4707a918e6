import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { exports: entries } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  readonly exports: Readonly<Record<string, string | { readonly default: string; readonly types: string }>>;
};
const sourceOf = (built: string): string => built.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts');
const modules = Object.entries(entries).flatMap(([name, target]) =>
  typeof target === 'string' ? [] : [{ name, source: sourceOf(target.default), types: target.types }],
);

/** Which of Temporal's packages a process holds once it has imported a module. */
async function loadedBy(source: string): Promise<string[]> {
  const program = `
    import { createRequire } from 'node:module';
    await import(${JSON.stringify(`${root}${source}`)});
    const files = Object.keys(createRequire(import.meta.url).cache);
    const names = files.map((file) => /node_modules\\/(@temporalio\\/[a-z-]+)\\//.exec(file)?.[1]).filter(Boolean);
    console.log(JSON.stringify([...new Set(names)]));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', program],
    { cwd: root },
  );
  return JSON.parse(stdout) as string[];
}

describe('the package’s exports', () => {
  it('are the client and the definition, each from a source there is', () => {
    expect(modules.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['./client', './definition', './openfeature']),
    );
    for (const { source, types } of modules) {
      expect(existsSync(`${root}${source}`)).toBe(true);
      expect(types).toBe(`./dist/${source.replace(/\.ts$/, '.d.ts')}`);
    }
  });

  it('load neither the worker nor its native module into a service that starts jobs', async () => {
    const loaded = await loadedBy('src/client/index.ts');
    expect(loaded).toContain('@temporalio/client');
    expect(loaded.filter((name) => /worker|core-bridge|testing/.test(name))).toEqual([]);
    expect(await loadedBy('src/definition/index.ts')).toEqual([]);
  });

  it('would show the native module if it were loaded', async () => {
    expect(await loadedBy('src/workers/index.ts')).toContain('@temporalio/core-bridge');
  });
});
