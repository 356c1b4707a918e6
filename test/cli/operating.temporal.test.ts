import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Context } from '@temporalio/activity';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import type { JobHandle } from '../../src/client/index.ts';
import { changeControl, createPlaybookClient, killGate, readControl } from '../../src/client/index.ts';
import { ensureGate } from '../../src/client/control.ts';
import { gateQueue } from '../../src/contracts/gate.ts';
import { WORKFLOW_QUEUE } from '../../src/contracts/queues.ts';
import { currentActor } from '../../src/cli/compose/actor.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { createGateStateActivities } from '../../src/workers/gate/held-state.ts';
import { terminateAll } from '../helpers/job-worker.ts';
import { startStack } from '../helpers/stack.ts';
import type { Stack } from '../helpers/stack.ts';
import { connectToServer, createTestWorker, testNamespace, unique } from '../helpers/temporal.ts';
import type { TestServer } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';
import { Worker } from '@temporalio/worker';
import { playbook, testIo } from './helpers/test-io.ts';
import type { TestIoOptions } from './helpers/test-io.ts';

const env = {
  TEMPORAL_ADDRESS: process.env['TEST_TEMPORAL_ADDRESS'],
  TEMPORAL_NAMESPACE: testNamespace(),
  TEMPORAL_CONFIG_FILE: '/nowhere/temporal.toml',
};
const WHY = ['--reason', 'a test', '--actor', 'alice@ops'];
const run = (...argv: string[]) => playbook(argv, { env });
const json = async (...argv: string[]): Promise<Record<string, unknown>> =>
  JSON.parse((await run(...argv, '--json')).out) as Record<string, unknown>;

/** Enables docproc without a reason, on a terminal where somebody types. */
const ask = async (stdin: string): Promise<{ code: number; io: ReturnType<typeof testIo> }> => {
  const plain = testIo({ env, columns: 100, stdin });
  const io = { ...plain, stdin: Object.assign(plain.stdin, { isTTY: true }) };
  return { code: await runCli(['enable', 'docproc'], io), io };
};

/** What two and a half seconds of watching print. */
const watch = async (options: TestIoOptions, ...more: string[]): Promise<string> => {
  const io = testIo({ env, ...options });
  const ended = runCli(['status', 'docproc', '--watch', ...more], io);
  await sleep(2_600);
  io.ctrlC();
  expect(await ended).toBe(0);
  return io.out();
};

describe('with a worker', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
    await until('somebody holds the gate', async () => (await run('status', 'docproc')).out.includes('breaker'));
  });
  afterAll(() => stack.close());

  const start = async (options: { unit?: string; tags?: Record<string, string> } = {}): Promise<JobHandle<unknown>> =>
    stack.playbook.start(docproc, await stack.document('note.txt', 'a note'), { key: unique('job'), ...options });

  it('status shows a table of all services, one in full, and both as JSON', async () => {
    const table = await run('status');
    expect(table).toMatchObject({ code: 0, err: '' });
    expect(table.out).toMatch(/^SERVICE +ENABLED +GATE +RATE/);
    expect(table.out).toMatch(/^docproc +100 % +\d+@\S+ +200\/200 per s +0 +0 +0 +closed +\$0\.00 h, \$0\.00 d +-$/m);
    expect(table.out).toContain('Nothing needs attention.');
    const page = await run('status', 'docproc');
    expect(page.out).toMatch(/^last change +enabled by a test, .* to run jobs$/m);
    const lines = (await run('status', '--json')).out.trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { service: string }).service)).toContain('docproc');
    expect(await json('status', 'docproc')).toMatchObject({ enabled: true, gates: [{ holder: expect.any(String) }] });
  });

  it('a change says what it means, who made it, and which revision it led to', async () => {
    expect((await run('disable', 'docproc', ...WHY)).out).toMatch(
      /^docproc: disabled \(revision \d+\)\. Workers follow within a second\.\nNew jobs, .*INTEGRATION_DISABLED\.\nJobs at the service go on; to stop every request: `playbook kill`\.\n$/,
    );
    expect((await run('weight', 'docproc', '12.5%', ...WHY)).out).toContain(
      'It is disabled, so the weight has no effect yet.',
    );
    expect((await run('allow', 'docproc', 'b', 'a', ...WHY)).out).toMatch(
      /allow list \+a \+b \(now 2\).*\nIt is disabled; units on the allow list are admitted nevertheless\.\n/,
    );
    expect((await run('disable', 'docproc', ...WHY)).out).toContain('because they are on the allow list: 2 units.');
    expect((await run('deny', 'docproc', 'c', ...WHY)).out).toContain('deny list +c (now 1)');
    expect((await run('enable', 'docproc', ...WHY)).out).toContain('Jobs of 12.5 % of units are admitted.');
    expect((await run('budget', 'docproc', '--hourly', '$5', '--daily', '50', ...WHY)).out).toContain(
      'An hour: $5.00; a day: $50.00 (UTC).',
    );
    expect(await readControl(stack.temporal, 'docproc')).toMatchObject({
      enabled: true,
      weightBps: 1_250,
      allow: ['a', 'b'],
      deny: ['c'],
      budget: { hourlyMicros: 5_000_000, dailyMicros: 50_000_000 },
      changed: { actor: 'alice@ops', reason: 'a test' },
    });
  });

  it('a limit that is not named stays, and `none` removes one', async () => {
    await run('budget', 'docproc', '--hourly', '1', '--daily', '2', ...WHY);
    expect(await json('budget', 'docproc', '--hourly', '3', ...WHY)).toMatchObject({
      budget: { hourlyMicros: 3_000_000, dailyMicros: 2_000_000 },
    });
    expect((await json('budget', 'docproc', '--daily', 'none', ...WHY))['budget']).toEqual({ hourlyMicros: 3_000_000 });
    expect((await run('budget', 'docproc', '--none', ...WHY)).out).toContain('There is no limit on spending now.');
    expect((await readControl(stack.temporal, 'docproc')).budget).toEqual({});
  });

  it('units come off a list again, and changes of a list at the same time are all made', async () => {
    await Promise.all(['u1', 'u2', 'u3'].map((unit) => run('deny', 'docproc', unit, ...WHY)));
    expect((await readControl(stack.temporal, 'docproc')).deny).toEqual(expect.arrayContaining(['u1', 'u2', 'u3']));
    await run('deny', 'docproc', 'u1', 'u2', 'u3', 'c', '--remove', ...WHY);
    await run('allow', 'docproc', 'a', 'b', '--remove', ...WHY);
    expect(await readControl(stack.temporal, 'docproc')).toMatchObject({ allow: [], deny: [] });
  });

  it('a change that expects another revision is refused, naming both', async () => {
    const { revision } = await readControl(stack.temporal, 'docproc');
    const { code, err } = await run('weight', 'docproc', '100%', '--expect-revision', String(revision - 1), ...WHY);
    expect(code).toBe(1);
    expect(err).toBe(
      `STALE_REVISION: The change expects revision ${revision - 1}; the control state is at ${revision}. Read it again, then decide.\n`,
    );
    const list = await run('deny', 'docproc', 'x', '--expect-revision', String(revision - 1), '--json', ...WHY);
    expect(JSON.parse(list.out)).toMatchObject({ error: { code: 'STALE_REVISION' } });
    expect((await run('weight', 'docproc', '100%', '--expect-revision', String(revision), ...WHY)).code).toBe(0);
  });

  it('a slip of the finger changes nothing', async () => {
    const wrong: readonly (readonly [string[], number, string])[] = [
      [['enable', 'docprok', ...WHY], 2, 'UNKNOWN_SERVICE: There is no service "docprok" here. Did you mean docproc?'],
      [['kill', 'zzz', ...WHY], 2, 'UNKNOWN_SERVICE: There is no service "zzz" here. There are: docproc'],
      [['kill', 'docproc.fallback', ...WHY], 2, 'UNKNOWN_SERVICE: docproc has no fallback here'],
      [['enable', 'docproc'], 2, 'BAD_USAGE: Say why with --reason: it is kept in the history.'],
      [['kill', 'docproc', '--reason', '  '], 2, 'BAD_USAGE: Say why with --reason'],
      [['weight', 'docproc', '10', ...WHY], 2, 'BAD_USAGE: A weight must be a share'],
      [['budget', 'docproc', ...WHY], 2, 'BAD_USAGE: Give --hourly or --daily (or both), or --none.'],
      [['budget', 'docproc', '--none', '--daily', '1', ...WHY], 2, 'BAD_USAGE: Give --hourly or --daily'],
      [['deny', 'docproc', ...WHY], 2, 'BAD_USAGE: <unit> is missing.'],
      [['cost', 'docproc', '--by', 'units'], 2, 'BAD_USAGE: --by must be one of unit, day, tag. Did you mean unit?'],
    ];
    const before = await readControl(stack.temporal, 'docproc');
    for (const [argv, code, message] of wrong) {
      const answer = await run(...argv);
      expect(answer).toMatchObject({ code, out: '' });
      expect(answer.err).toContain(message);
    }
    expect(await readControl(stack.temporal, 'docproc')).toEqual(before);
  });

  it('asks for the reason on a terminal', async () => {
    const answered = await ask('because I can\nmore');
    expect(answered.code).toBe(0);
    expect(answered.io.err()).toBe('Why? It is kept in the history: ');
    expect((await readControl(stack.temporal, 'docproc')).changed).toMatchObject({
      actor: currentActor(),
      reason: 'because I can',
    });
    const silent = await ask('');
    expect(silent.code).toBe(2);
    expect(silent.io.err()).toContain('BAD_USAGE: Say why with --reason');
  });

  it('a kill says when it was certain; from then on nothing reaches the service, and after a restore all jobs complete', async () => {
    await Promise.all((await Promise.all(Array.from({ length: 5 }, () => start()))).map((job) => job.result()));
    const killed = await run('kill', 'docproc', ...WHY);
    expect(killed).toMatchObject({ code: 0, err: '' });
    expect(killed.out).toMatch(
      /^docproc is killed: nothing leaves any more, certain [0-3]\.\d s after the command \(.* UTC\): (?:the worker that held its gate has given up|nobody held its gate)\.\n/,
    );
    expect(killed.out).toContain('Open it again: playbook restore docproc');
    const seen = stack.sandbox.requests().length;
    const jobs = await Promise.all(Array.from({ length: 5 }, () => start()));
    await until('the jobs wait', async () => (await run('status', 'docproc')).out.includes('5 jobs CREATED'));
    const waiting = /^docproc +100 % +KILLED +- +5 +0 +/m;
    await until('those before have ended', async () => waiting.test((await run('status')).out));
    const status = await run('status');
    expect(status.out).toContain('! docproc is killed by alice@ops since');
    expect((await run('enable', 'docproc', ...WHY)).out).toContain(
      'Its gate is killed by alice@ops (a test): nothing is sent until `playbook restore docproc`.',
    );
    expect(stack.sandbox.requests()).toHaveLength(seen);

    const restored = await run('restore', 'docproc', ...WHY);
    expect(restored).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^docproc is open again: \d+@\S+ sends\.\n$/),
    });
    const answers = await Promise.all(jobs.map((job) => job.result({ maxWaitMs: 30_000 })));
    expect(answers.map(({ state }) => state)).toEqual(Array.from({ length: 5 }, () => 'COMPLETED'));
    expect((await run('restore', 'docproc', ...WHY)).out).toMatch(/^docproc was not killed; its gate is open: /);
  });

  it('a forced kill waits until the holder’s right to send has run out', async () => {
    expect(await json('kill', 'docproc', '--force', ...WHY)).toMatchObject({
      gate: 'docproc',
      forced: true,
      confirmed: true,
      open: null,
      killed: { actor: 'alice@ops', reason: 'a test' },
    });
    const again = await run('kill', 'docproc', '--force', ...WHY);
    expect(again.out).toContain('nobody held its gate.');
    expect(await json('restore', 'docproc', ...WHY)).toMatchObject({
      wasKilled: true,
      open: true,
      holder: expect.any(String),
    });
    await expect((await start()).result({ maxWaitMs: 30_000 })).resolves.toMatchObject({ state: 'COMPLETED' });
  });

  it('without a fallback, jobs of a disabled service fail and say what to do', async () => {
    await run('disable', 'docproc', ...WHY);
    await sleep(1_100);
    const seen = stack.sandbox.requests().length;
    await expect((await start()).result()).resolves.toMatchObject({
      state: 'FAILED',
      route: null,
      error: { code: 'INTEGRATION_DISABLED', message: 'docproc is disabled.' },
    });
    expect(stack.sandbox.requests()).toHaveLength(seen);
    await run('enable', 'docproc', ...WHY);
    await sleep(1_100);
  });

  it('history tells all of it, the latest first: changes with their revisions, kills and restores', async () => {
    const { out } = await run('history', 'docproc');
    expect(out).toMatch(/^WHEN +REVISION +WHO +WHAT +WHY\n/);
    for (const what of [
      'disabled',
      'weight 12.5 %',
      'allow list +a +b (now 2)',
      'budget $5 an hour, $50 a day',
      'killed',
      'killed (forced)',
      'restored',
    ]) {
      expect(
        out.split('\n').some((line) => /alice@ops +(?<rest>.*)$/.exec(line)?.groups?.['rest']?.startsWith(what)),
      ).toBe(true);
    }
    expect(out).toContain('because I can');
    const told = (await run('history', 'docproc', '--json')).out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { at: string; revision: number | null; what: string });
    // Other files' control states of that name are in it, too, further down.
    const entries = told.slice(0, told.findIndex(({ revision }) => revision === 1) + 1);
    expect(entries.map(({ at }) => at)).toEqual(
      entries
        .map(({ at }) => at)
        .toSorted()
        .toReversed(),
    );
    const revisions = entries.flatMap(({ revision }) => revision ?? []);
    expect(revisions).toEqual(Array.from({ length: revisions.length }, (_, n) => revisions.length - n));
    expect(entries.filter(({ what }) => what === 'killed (forced)')).toHaveLength(2);
  });

  it('cost adds up finished jobs by unit, day and tag, and tells apart what the gate has counted', async () => {
    const [first, second, team] = [unique('unit'), unique('unit'), unique('team')];
    const jobs = await Promise.all([
      start({ unit: first, tags: { team } }),
      start({ unit: first, tags: { team: 'blue' } }),
      start({ unit: second }),
    ]);
    await Promise.all(jobs.map((job) => job.result()));
    await until('visibility has them', async () => {
      const cost = (await json('cost', 'docproc')) as {
        finishedJobs: { rows: { name: string; jobs: number }[] };
        jobsUnderWay: number;
      };
      const jobsOf = (unit: string) => cost.finishedJobs.rows.find(({ name }) => name === unit)?.jobs;
      return jobsOf(first) === 2 && jobsOf(second) === 1 && cost.jobsUnderWay === 0;
    });
    const text = (await run('cost', 'docproc')).out;
    expect(text).toMatch(/^UNIT +JOBS +COMPLETED +COST$/m);
    expect(text).toMatch(new RegExp(`^${first} +2 +2 +\\$0\\.02$`, 'm'));
    expect(text).toMatch(/^Counted by the gate today \(UTC\), .*\$\d/m);
    const byTag = (await run('cost', 'docproc', '--by', 'tag')).out;
    expect(byTag).toMatch(new RegExp(`^team=${team} +1 +1 +\\$0\\.01$`, 'm'));
    expect(byTag).toMatch(/^\(none\) +\d+ +\d+ +\$/m);
    const today = new Date().toISOString().slice(0, 10);
    const byDay = () => json('cost', 'docproc', '--by', 'day', '--since', '1h');
    expect(await byDay()).toMatchObject({
      by: 'day',
      finishedJobs: { rows: [{ name: today }], unpriced: 0 },
      jobsUnderWay: 0,
      gateToday: [{ route: 'live' }],
    });
    // What the gate counted is as old as its last heartbeat, which a busy machine may keep waiting.
    await until('the gate has told of the unit', async () => {
      const [gate] = ((await byDay()) as { gateToday: { units: Record<string, number> }[] }).gateToday;
      return gate?.units[first] === 0.02;
    });
    expect(await byDay()).toMatchObject({ gateToday: [{ tags: { [`team=${team}`]: 0.01 } }] });
  });

  it('cost says what it does not know: jobs under way, terminated ones, a gate that nobody holds', async () => {
    await run('kill', 'docproc', ...WHY);
    const [waiting, lost] = await Promise.all([start(), start()]);
    await stack.temporal.workflow.getHandle(lost.workflowId).terminate('by mistake');
    await until('visibility knows', async () => {
      const told = (await run('cost', 'docproc')).out;
      return told.includes('terminated') && told.includes('1 job under way');
    });
    const { out } = await run('cost', 'docproc');
    expect(out).toContain('1 job of them ended without saying what they cost: their workflows were terminated.');
    expect(out).toContain('1 job under way is not in it.');
    expect(out).toContain('Nobody holds the gate of docproc, so what it counted today is not known now.');
    await run('restore', 'docproc', ...WHY);
    await expect(waiting.result({ maxWaitMs: 30_000 })).resolves.toMatchObject({ state: 'COMPLETED' });
  });

  it('watches every second until Ctrl-C: in place on a terminal, one below the other elsewhere', async () => {
    const [live, plain, lines] = await Promise.all([watch({ columns: 100 }), watch({}), watch({}, '--json')]);
    expect(live).toContain('\u001B[J');
    expect(live.match(/breaker/g)?.length).toBeGreaterThan(1);
    expect(plain).not.toContain('\u001B');
    expect(plain.match(/^breaker/gm)?.length).toBeGreaterThan(1);
    expect(
      lines
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { service: string }).service),
    ).toContain('docproc');
  });
});

describe('without a worker', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await connectToServer(undefined, testNamespace());
  });
  afterEach(() => terminateAll(server.client));
  afterAll(() => server.close());

  const workflowWorker = async (): Promise<() => Promise<void>> => {
    const worker = await createTestWorker({
      connection: server.nativeConnection,
      namespace: testNamespace(),
      taskQueue: WORKFLOW_QUEUE,
      activities: createGateStateActivities(),
    });
    const running = worker.run();
    return async () => {
      worker.shutdown();
      await running;
    };
  };

  it('a kill is certain all the same, and says that no worker took it; a forced one is certain at once', async () => {
    await ensureGate(server.client, 'docproc');
    const killed = await run('kill', 'docproc', ...WHY);
    expect(killed).toMatchObject({ code: 0, err: '' });
    expect(killed.out).toMatch(/certain [12]\.\d s after the command .*: nobody held its gate\.\n/);
    expect(killed.out).toContain('No worker closed the gate within a second; are the workers well?');
    const forced = await run('kill', 'docproc', '--force', ...WHY);
    expect(forced).toMatchObject({ code: 0, err: '' });
    expect(forced.out).toMatch(/certain 0\.\d s after the command .*: nobody held its gate\./);
    const restored = await run('restore', 'docproc', ...WHY);
    expect(restored).toMatchObject({ code: 1, out: '' });
    expect(restored.err).toContain('NO_WORKER: The restore of docproc is stored, but 3.0 s after the command');
  });

  it('a gate that no worker has served yet is killed at once: it starts closed', async () => {
    const killed = await run('kill', 'docproc', ...WHY);
    expect(killed).toMatchObject({ code: 0, err: '', out: expect.stringContaining('nobody held its gate.') });
    expect((await run('status')).out).toMatch(/^docproc +no +KILLED/m);
  });

  it('a change waits for one, and says so', async () => {
    const change = run('enable', 'docproc', ...WHY);
    await sleep(3_000);
    const stop = await workflowWorker();
    try {
      expect(await change).toMatchObject({ code: 0, err: 'Waiting for a worker to take the change …\n' });
    } finally {
      await stop();
    }
  });

  it('a holder that does not give up is named', async () => {
    const over = new AbortController();
    const worker = await Worker.create({
      connection: server.nativeConnection,
      namespace: testNamespace(),
      taskQueue: gateQueue('docproc'),
      maxHeartbeatThrottleInterval: '200ms',
      identity: 'stubborn@host',
      activities: {
        holdGate: async () => {
          while (!over.signal.aborted) {
            Context.current().heartbeat(null);
            await sleep(100);
          }
          return { state: null, orderly: true };
        },
      },
    });
    const holding = worker.run();
    const stop = await workflowWorker();
    try {
      await run('restore', 'docproc', ...WHY);
      await until('it is held', async () => (await run('status', 'docproc')).out.includes('stubborn@host'));
      const killed = await run('kill', 'docproc', ...WHY);
      expect(killed).toMatchObject({ code: 1, out: '' });
      expect(killed.err).toBe(
        'docproc is closed, but 3.0 s after the command stubborn@host has not given its gate up. Look again with `playbook status docproc`; `playbook kill docproc --force` needs no worker.\n',
      );
    } finally {
      over.abort();
      await stop();
      worker.shutdown();
      await holding;
    }
  });

  it('a service that only the server knows is operated as well; one that was never changed has no history', async () => {
    const stop = await workflowWorker();
    try {
      await changeControl(server.client, 'elsewhere', 'enable', { actor: 'a', reason: 'b' });
      await killGate(server.client, 'third', { actor: 'a', reason: 'b', atMs: Date.now(), what: 'killed' });
      const listed = /^elsewhere[^]*^third/m;
      await until('both are listed', async () => listed.test((await run('status')).out));
      const { out } = await run('status');
      expect(out).toMatch(/^elsewhere +100 % +no gate yet/m);
      expect(out).toMatch(/^third +no +KILLED/m);
      expect((await run('weight', 'elsewhere', '5%', ...WHY)).code).toBe(0);
      expect((await run('history', 'third')).out).toMatch(/UTC +gate +a +killed +b\n$/);
    } finally {
      await stop();
    }
  });

  it('the oldest of many jobs is found by its age', async () => {
    const playbookClient = createPlaybookClient(server.client);
    const input = {
      document: { uri: 'file:///note.txt', sha256: 'a'.repeat(64), bytes: 1, contentType: 'text/plain' as const },
      options: { format: 'text' as const },
    };
    const first = await playbookClient.start(docproc, docproc.input.parse(input), { key: unique('first') });
    await sleep(50);
    await Promise.all(
      Array.from({ length: 120 }, () =>
        playbookClient.start(docproc, docproc.input.parse(input), { key: unique('job') }),
      ),
    );
    await until('all are listed', async () => (await run('status', 'docproc')).out.includes('121 jobs CREATED'));
    expect(await json('status', 'docproc')).toMatchObject({
      jobs: { created: 121, oldest: { workflowId: first.workflowId } },
    });
  });
});
