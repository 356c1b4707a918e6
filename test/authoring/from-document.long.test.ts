import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { temporalPath } from '../helpers/temporal.ts';
import { ROOT } from '../docs/markdown.ts';

const FIVE_MINUTES_MS = 300_000;
const COPIED = [
  'bin',
  'docs',
  'integrations',
  'scripts',
  'src',
  'templates',
  'test',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  '.oxlintrc.json',
  '.prettierrc.json',
  '.prettierignore',
];

/** A project of its own, to write an integration into. */
const project = mkdtempSync(join(tmpdir(), 'playbook-from-document-'));
afterAll(() => rmSync(project, { recursive: true }));

async function run(
  command: string,
  ...args: string[]
): Promise<{ readonly code: number | null; readonly out: string }> {
  const env = {
    ...process.env,
    PLAYBOOK_HOME: join(project, '.home'),
    PLAYBOOK_TEMPORAL_BIN: temporalPath(),
    TEMPORAL_ADDRESS: undefined,
  };
  const child = spawn(command, args, { cwd: project, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  return { code, out: code === 0 ? out : `${out}\n${err}` };
}
const playbook = (...args: string[]) => run(process.execPath, 'bin/playbook.js', ...args);

describe('from nothing but an OpenAPI document', () => {
  it('to a job COMPLETED against its sandbox takes commands only, in less than five minutes', async () => {
    for (const name of COPIED) cpSync(join(ROOT, name), join(project, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(project, 'node_modules'));
    writeFileSync(join(project, 'letter.txt'), 'Dear reader');
    expect(await run('npm', 'run', '--silent', 'build')).toMatchObject({ code: 0 });
    const startedMs = performance.now();
    const objective = 'Using paperwork, a service must read letters so that 95 % are read within 5 s.';
    const document = 'integrations/docproc/schemas/openapi.yaml';
    expect(await playbook('new', 'paperwork', '--from', document, '--objective', objective)).toMatchObject({ code: 0 });
    expect(await playbook('check', 'paperwork', '--ready')).toMatchObject({ code: 0 });
    const { code, out } = await playbook('run', 'paperwork', 'letter.txt', '--json');
    expect({ code, out }).toMatchObject({ code: 0 });
    expect(JSON.parse(out)).toMatchObject({ state: 'COMPLETED', result: { text: 'Dear reader' } });
    expect(performance.now() - startedMs).toBeLessThan(FIVE_MINUTES_MS);
    expect(
      await run(process.execPath, 'node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.build.json'),
    ).toMatchObject({ code: 0 });
    expect(
      await run(process.execPath, 'node_modules/oxlint/bin/oxlint', '--type-aware', 'integrations/paperwork'),
    ).toMatchObject({ code: 0 });
    expect(await run('npx', 'prettier', '--check', 'integrations/paperwork')).toMatchObject({ code: 0 });
  }, 400_000);
});
