import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectToTemporal } from '../../src/client/index.ts';
import { announcedEndpoints } from '../../src/cli/compose/home-facts.ts';
import { webhookDeliveryId } from '../../src/contracts/webhook-delivery.ts';
import { recall } from '../../src/embedded/remembered.ts';
import { startWebhookDelivery } from '../../src/webhooks/hand-over.ts';
import type { JobLine } from '../../src/cli/output/job-line.ts';
import { findSample } from '../../src/cli/actions/sample.ts';
import { until } from '../helpers/until.ts';
import { testHome } from './helpers/home.ts';
import type { TestHome } from './helpers/home.ts';

let home: TestHome;
beforeAll(async () => {
  home = await testHome();
  const sample = await findSample(['docproc']);
  await copyFile(sample?.path ?? '', join(home.path, 'good.pdf'));
  await writeFile(join(home.path, 'empty.pdf'), '');
  await writeFile(join(home.path, 'note.txt'), 'Grüße aus Zürich\n');
  await writeFile(join(home.path, 'picture.png'), 'no picture');
});
afterAll(() => home.remove());

function lines(out: string): JobLine[] {
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as JobLine);
}

/** The sandbox's record of accepted submits, by idempotency key. */
async function acceptedKeys(out: string): Promise<string[]> {
  const url = /sandbox\s+(http:\S+)/.exec(out)?.[1] ?? '';
  const response = await fetch(`${url}/_sandbox/requests`);
  const { requests } = (await response.json()) as {
    requests: { method: string; path: string; key: string; accepted: boolean }[];
  };
  return requests.filter((one) => one.path === '/v3/jobs' && one.accepted).map(({ key }) => key);
}

describe('playbook run with nothing else running', () => {
  it('starts what it needs, gives a line per file as it ends, and is not held up by the bad ones', async () => {
    const argv = ['run', 'docproc', 'good.pdf', 'empty.pdf', 'note.txt', 'picture.png', '--json'];
    const { code, out, err } = await home.run(argv);
    expect(code).toBe(1);
    const told = lines(out).map(({ state, error, result }) => ({
      state,
      code: error?.code,
      text: (result as { text?: string } | null)?.text?.slice(0, 16),
    }));
    expect(told).toHaveLength(4);
    expect(told).toEqual(
      expect.arrayContaining([
        { state: 'COMPLETED', code: undefined, text: 'Ein Brief aus Zü' },
        { state: 'COMPLETED', code: undefined, text: 'Grüße aus Zürich' },
        { state: 'FAILED', code: 'REMOTE_FAILED', text: undefined },
        { state: 'FAILED', code: 'UNSUPPORTED_MEDIA_TYPE', text: undefined },
      ]),
    );
    expect(err).toContain('docproc is enabled here');
  });

  it('finds a job of before by its file, wherever that is now; with --keep it stays up until interrupted', async () => {
    await copyFile(join(home.path, 'good.pdf'), join(home.path, 'moved.pdf'));
    const { io, ended } = home.start(['run', 'docproc', 'moved.pdf', '--keep']);
    await io.sees('Kept running');
    expect(io.out()).toMatch(/^COMPLETED {3}moved\.pdf/);
    expect(io.err()).not.toContain('enabled here'); // once, and told once
    const attached = await home.run(['run', 'docproc', 'good.pdf', '--json']);
    expect({ code: attached.code, err: attached.err }).toEqual({ code: 0, err: '' });
    expect(io.out()).toContain(lines(attached.out)[0]?.workflowId);
    io.ctrlC();
    expect(await ended).toBe(0);
  });

  it('interrupted while starting, has closed everything and can be started again', async () => {
    for (const [argv, code] of [
      [['run', 'docproc', 'good.pdf'], 3],
      [['start'], 0],
    ] as const) {
      const { io, ended } = home.start(argv);
      io.ctrlC();
      expect(await ended).toBe(code);
    }
  });
});

describe('playbook start', () => {
  let start: ReturnType<TestHome['start']>;
  beforeAll(async () => {
    start = home.start(['start'], { columns: 100 });
    await start.io.sees('Ctrl-C stops all of it');
  });

  it('shows the sample job’s states, its text and its link', () => {
    const out = start.io.out();
    const states = [...out.matchAll(/\d\d:\d\d:\d\d\.\d{3} {2}\S*?(CREATED|PROCESSING|COMPLETED)/g)];
    expect(states.map(([, state]) => state)).toEqual(['CREATED', 'PROCESSING', 'COMPLETED']);
    expect(out).toContain('│ Ein Brief aus Zürich');
    expect(out).toMatch(
      /http:\/\/127\.0\.0\.1:\d+\/namespaces\/default\/workflows\/docproc%2Fsample-\d{8}-\d{6}\/\S+\/history/,
    );
    expect(out).toContain('npx playbook run docproc');
  });

  it('has its home alone: a second start is refused', async () => {
    const { code, err } = await home.run(['start']);
    expect(code).toBe(1);
    expect(err).toMatch(/^HOME_IN_USE: .* is in use by process \d+\./);
  });

  it('lets others use what it runs; a key with other input is that one job’s error', async () => {
    const mine = await home.run(['run', 'docproc', 'good.pdf', '--key', 'mine', '--unit', 'tenant']);
    expect(mine.code).toBe(0);
    const { code, out } = await home.run(['run', 'docproc', 'note.txt', '--key', 'mine', '--json']);
    expect(code).toBe(1);
    expect(lines(out)).toMatchObject([
      { key: 'mine', state: 'FAILED', error: { code: 'IDEMPOTENCY_KEY_REUSED' }, costUsd: 0 },
    ]);
    const invalid = await home.run(['run', 'docproc', 'note.txt', '--key', 'my key']);
    expect({ code: invalid.code, out: invalid.out }).toEqual({ code: 2, out: '' });
    expect(invalid.err).toContain('INVALID_KEY');
  });

  it('serves `playbook jobs`: start, wait, list, retry, cancel, status', async () => {
    const started = await home.run(['jobs', 'start', 'docproc', 'empty.pdf', '--key', 'e', '--unit', 'u', '--json']);
    expect(JSON.parse(started.out)).toMatchObject({ workflowId: 'docproc/e', unit: 'u', generation: 1 });
    const waited = await home.run(['jobs', 'wait', 'docproc/e', '--max-wait', '30s', '--json']);
    expect(waited.code).toBe(1);
    expect(lines(waited.out)).toMatchObject([{ state: 'FAILED', error: { code: 'REMOTE_FAILED' } }]);

    const retried = await home.run(['jobs', 'retry', 'docproc/e', '--json']);
    expect(JSON.parse(retried.out)).toMatchObject({ generation: 2 });
    const canceled = await home.run(['jobs', 'cancel', 'docproc', 'e']);
    expect(canceled.code).toBe(0);
    const end = await home.run(['jobs', 'wait', 'docproc/e', '--json']);
    expect(end.code).toBe(1);
    const status = await home.run(['jobs', 'status', 'docproc/e']);
    expect(status.out).toMatch(/^job {10}docproc\/e\nstate {8}(CANCELED|FAILED)/);
    const unknown = await home.run(['jobs', 'status', 'docproc', 'unknown']);
    expect(unknown).toEqual({
      code: 1,
      out: '',
      err: 'JOB_NOT_FOUND: No job docproc/unknown is known here. Check service and key.\n',
    });

    const listed = await home.run([
      'jobs',
      'list',
      '--service',
      'docproc',
      '--state',
      'completed',
      '--limit',
      '2',
      '--json',
    ]);
    expect(lines(listed.out)).toHaveLength(2);
    const ofTenant = () => home.run(['jobs', 'list', '--unit', 'tenant']);
    await until('it is listed as ended', async () => (await ofTenant()).out.includes('COMPLETED'));
    const table = await ofTenant();
    expect(table.out).toMatch(/^STATE .*\nCOMPLETED {2}docproc\/mine .*job_\S+ .*\n$/);
    for (const list of [['jobs'], ['webhooks', 'dead-letters']]) {
      const mistyped = await home.run([...list, 'list', '--service', 'docprok']);
      expect(mistyped).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean docproc?') });
    }
  });

  it('takes input as JSON, and says what is wrong with it', async () => {
    const invalid = await home.run(['jobs', 'start', 'docproc', '--input', '-', '--json'], { stdin: '{"nope":1}' });
    expect(invalid.code).toBe(2);
    expect(JSON.parse(invalid.out)).toMatchObject({ error: { code: 'INVALID_INPUT' } });
    await writeFile(join(home.path, 'input.json'), '{');
    const broken = await home.run(['jobs', 'start', 'docproc', '--input', 'input.json']);
    expect(broken.err).toContain('INVALID_INPUT: input.json is not valid JSON. Nothing was sent.');
  });

  it('serves `playbook webhooks dead-letters`: list, retry, discard', async () => {
    const letters = ['webhooks', 'dead-letters'];
    expect((await home.run([...letters, 'list'])).out).toBe('No dead letters.\n');
    const unknown = await home.run([...letters, 'retry', 'docproc', 'evt_0', '--json']);
    expect(unknown.code).toBe(1);
    expect(JSON.parse(unknown.out)).toMatchObject({ error: { code: 'DEAD_LETTER_NOT_FOUND' } });

    const endpoints = await announcedEndpoints(home.env['PLAYBOOK_HOME'] ?? '');
    const { client, close } = await connectToTemporal({ address: endpoints?.temporal ?? '', namespace: 'default' });
    const hint = { eventId: 'evt_1', state: 'COMPLETED', receivedAtMs: Date.now() } as const;
    await startWebhookDelivery(client, { service: 'docproc', externalId: 'job_of_nobody', hint, searchMs: 1 });
    const workflow = client.workflow.getHandle(webhookDeliveryId('docproc', 'evt_1'));
    await expect(workflow.result()).rejects.toThrow('Workflow execution failed');
    await until('it is listed', async () => (await home.run([...letters, 'list'])).out.includes('evt_1'));
    const listed = await home.run([...letters, 'list', '--service', 'docproc', '--limit', '5']);
    expect(listed.out).toMatch(/^SERVICE .*\ndocproc {2}evt_1 {2}job_of_nobody {2}COMPLETED /);
    const json = await home.run([...letters, 'list', '--json']);
    expect(JSON.parse(json.out)).toMatchObject({ eventId: 'evt_1', externalId: 'job_of_nobody' });

    const retried = await home.run([...letters, 'retry', 'docproc', 'evt_1']);
    expect(retried).toEqual({ code: 0, out: 'Looking again for the job of event evt_1.\n', err: '' });
    await expect(workflow.result()).rejects.toThrow('Workflow execution failed');
    const discarded = await home.run([...letters, 'discard', 'docproc', 'evt_1', '--reason', 'a test', '--json']);
    expect(JSON.parse(discarded.out)).toMatchObject({ service: 'docproc', eventId: 'evt_1' });
    await workflow.result();
    expect((await home.run([...letters, 'list'])).out).toBe('No dead letters.\n');
    await close();
  });

  it('stops in order; what was PENDING goes on at the next start, which says so, and was sent once', async () => {
    await writeFile(join(home.path, 'late.txt'), 'late');
    const run = ['run', 'docproc', 'late.txt', '--json'];
    const pending = await home.run([...run, '--max-wait', '0s']);
    expect(pending.code).toBe(3);
    expect(lines(pending.out)).toMatchObject([{ state: 'PENDING', result: null, error: null }]);
    start.io.ctrlC();
    expect(await start.ended).toBe(0);
    expect(start.io.out()).toContain('Stopped. Jobs under way go on at the next start.');

    const up = home.start(['up', '--config', 'docproc=none.yaml']);
    expect(await up.ended).toBe(2);
    expect(up.io.err()).toMatch(/^CONFIG_INVALID: The configuration file .*none\.yaml cannot be read \(ENOENT\)\./);

    const next = home.start(['up']);
    await next.io.sees('1 job from before goes on:');
    await next.io.sees(lines(pending.out)[0]?.workflowId ?? '');
    const done = await home.run(run);
    expect(done.code).toBe(0);
    expect(lines(done.out)).toMatchObject([{ state: 'COMPLETED', key: lines(pending.out)[0]?.key }]);
    const keys = await acceptedKeys(next.io.out());
    expect(new Set(keys).size).toBe(keys.length);

    // Should the server die under it, it says so, stops the rest, and lets go of its home.
    const { process: server } = await recall(home.env['PLAYBOOK_HOME'] ?? '');
    process.kill(server?.pid ?? 0, 'SIGKILL');
    expect(await next.ended).toBe(1);
    expect(next.io.err()).toContain('TEMPORAL_UNREACHABLE: The embedded Temporal server ended unexpectedly');
    expect((await home.run(['jobs', 'list'])).err).toContain('TEMPORAL_UNREACHABLE: Nothing runs in');
  });
});
