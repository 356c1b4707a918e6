import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { recall } from '../../src/embedded/remembered.ts';
import { isAlive } from '../../src/embedded/process-identity.ts';
import type { JobLine } from '../../src/cli/output/job-line.ts';
import { testHome } from './helpers/home.ts';
import type { TestHome } from './helpers/home.ts';
import { spawnPlaybook } from './helpers/spawned.ts';
import type { Spawned } from './helpers/spawned.ts';

let home: TestHome;
let running: Spawned | undefined;
beforeEach(async () => {
  home = await testHome();
  running = undefined;
});
afterEach(async () => {
  running?.signal('SIGTERM');
  await running?.ended;
  await home.remove();
});

async function up(): Promise<Spawned> {
  running = spawnPlaybook(['up'], home.env, home.path);
  await running.sees('Ctrl-C stops all of it');
  return running;
}

it('kill -9 of the whole group with a job under way: nothing is left behind, and the next start completes it with one POST', async () => {
  await writeFile(join(home.path, 'note.txt'), 'Grüße');
  const run = ['run', 'docproc', 'note.txt', '--key', 'crash', '--json'];
  const first = await up();
  const { code } = await home.run([...run, '--max-wait', '0s']);
  expect(code).toBe(3);
  const server = (await recall(home.env['PLAYBOOK_HOME'] ?? '')).process;
  expect(server && isAlive(server)).toBe(true);
  first.killGroup();
  expect(await first.ended).toBe('SIGKILL');

  const second = await up();
  expect(server && isAlive(server)).toBe(false);
  expect(second.out()).toContain('1 job from before goes on:');
  const done = await home.run(run);
  expect(done.code).toBe(0);
  expect(JSON.parse(done.out) as JobLine).toMatchObject({ state: 'COMPLETED', result: { text: 'Grüße' } });
  const sandbox = /sandbox\s+(http:\S+)/.exec(second.out())?.[1];
  const answer = await fetch(`${sandbox}/_sandbox/requests`);
  const { requests } = (await answer.json()) as { requests: { path: string; method: string; accepted: boolean }[] };
  const posts = requests.filter(({ path, method, accepted }) => path === '/v3/jobs' && method === 'POST' && accepted);
  expect(posts).toHaveLength(1);
});

it('a run that used what another process had takes it over when that ends', async () => {
  await writeFile(join(home.path, 'slow.txt'), 'x'.repeat(1000));
  const first = await up();
  const sandbox = /sandbox\s+(http:\S+)/.exec(first.out())?.[1];
  // No webhook for now: the job waits, and the run waits for it.
  await fetch(`${sandbox}/_sandbox/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ rules: [{ kind: 'webhook-delay', ms: 4000 }] }),
  });
  const { io, ended } = home.start(['run', 'docproc', 'slow.txt', '--json']);
  for (let posted = false; !posted;) {
    const answer = await fetch(`${sandbox}/_sandbox/requests`);
    posted = (await answer.text()).includes('"POST"');
  }
  first.signal('SIGTERM');
  expect(await first.ended).toBe(0);
  running = undefined;
  expect(await ended).toBe(0);
  expect(JSON.parse(io.out()) as JobLine).toMatchObject({ state: 'COMPLETED' });
});
