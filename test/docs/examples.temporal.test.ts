import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createDocproc } from '../../integrations/docproc/src/client.ts';
import { readGate } from '../../src/client/index.ts';
import { playbook } from '../cli/helpers/test-io.ts';
import { startStack, type Stack } from '../helpers/stack.ts';
import { testNamespace, unique } from '../helpers/temporal.ts';
import { ROOT, textOf } from './markdown.ts';

/** Runs a TypeScript file as a reader would, against the stack's Temporal. */
async function run(path: string, ...args: string[]): Promise<{ readonly code: number | null; readonly out: string }> {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), path, ...args], {
    cwd: ROOT,
    env: {
      ...process.env,
      TEMPORAL_ADDRESS: process.env['TEST_TEMPORAL_ADDRESS'],
      TEMPORAL_NAMESPACE: testNamespace(),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out };
}

describe('code in the documents', () => {
  let stack: Stack;
  let folder: string;
  beforeAll(async () => {
    [stack, folder] = [await startStack(), await mkdtemp(join(tmpdir(), 'playbook-docs-'))];
  });
  afterAll(async () => {
    await stack.close();
    await rm(folder, { recursive: true });
  });

  it('of the README extracts a document’s text', async () => {
    const path = join(folder, 'letter.txt');
    await writeFile(path, 'Dear reader');
    const example = join(ROOT, 'integrations/docproc/demos/extract-text.ts');
    expect(await run(example, path)).toEqual({ code: 0, out: 'Dear reader\n' });
    expect(await run(example, join(folder, 'gone.txt'), 'another')).toMatchObject({
      code: 1,
      out: expect.stringContaining('FILE_NOT_FOUND'),
    });
  });

  it('of the basic demo shows a job from start to end', async () => {
    const { code, out } = await run(join(ROOT, 'integrations/docproc/demos/basic-demo.ts'));
    expect(code).toBe(0);
    expect(out).toMatch(
      /^started {3}docproc\/demo-[0-9a-f]{16}\naccepted {2}docproc calls it job_\w+\nCOMPLETED 3 page/,
    );
    expect(out).toContain('Ein Brief aus Zürich');
  });

  it('of the runbook sets the budget, kills and restores', async () => {
    const runbook = textOf('integrations/docproc/RUNBOOK.md');
    const env = { TEMPORAL_ADDRESS: process.env['TEST_TEMPORAL_ADDRESS'], TEMPORAL_NAMESPACE: testNamespace() };
    for (const name of ['budget', 'kill', 'restore']) {
      const [, line = ''] = new RegExp(`npx playbook (${name} docproc (?!--force)[^\`\n]*)`).exec(runbook) ?? [];
      const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
      expect(await playbook(words, { env })).toMatchObject({ code: 0, err: '' });
      if (name === 'kill')
        expect(await readGate(stack.temporal, 'docproc')).toMatchObject({ closed: { what: 'killed' } });
    }
    // The signals are stored by now, and followed a moment later: a job shows that the gate is open again.
    const { document } = await stack.document('after.txt', 'after the incident');
    const answer = await createDocproc(stack.playbook).extractText(document, { key: unique('after') });
    expect(answer).toMatchObject({ state: 'COMPLETED', result: { text: 'after the incident' } });
    expect(await readGate(stack.temporal, 'docproc')).toEqual({ exists: true, closed: null });
  });
});
