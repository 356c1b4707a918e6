import { getMaxListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import type { JobSnapshot } from '../../src/client/index.ts';
import { PlaybookError } from '../../src/contracts/errors.ts';
import {
  count,
  dollars,
  firstLines,
  jobLink,
  printable,
  seconds,
  stateText,
  timeOfDay,
} from '../../src/cli/output/format.ts';
import { endedLine, pendingLine, refusedLine, snapshotLine } from '../../src/cli/output/job-line.ts';
import { jobDetails, jobTable } from '../../src/cli/output/job-text.ts';
import { createReport } from '../../src/cli/output/report.ts';
import { createInterrupt } from '../../src/cli/interrupt.ts';
import { storyText } from '../../src/cli/output/story.ts';
import { createScreen } from '../../src/cli/output/screen.ts';
import { errorJson, errorText, reportError } from '../../src/cli/report-error.ts';
import { testIo } from './helpers/test-io.ts';

const SNAPSHOT: JobSnapshot = {
  service: 'docproc',
  key: 'k',
  generation: 2,
  workflowId: 'docproc/k',
  runId: 'run',
  state: 'FAILED',
  externalId: 'job_1',
  route: 'live',
  unit: 'tenant',
  errorCode: 'VALIDATION',
  startedAt: '2026-11-23T10:00:00.000Z',
  closedAt: '2026-11-23T10:00:01.500Z',
  latencyMs: 1500,
  costMicros: 10_000,
};

const CONTRACT = [
  'service',
  'key',
  'workflowId',
  'externalId',
  'state',
  'route',
  'result',
  'error',
  'polls',
  'webhooks',
  'latencyMs',
  'costUsd',
];

describe('the JSON line of a job', () => {
  it('has the fields of the contract, in its order, however the job stands', () => {
    const ended = endedLine({
      service: 'docproc',
      key: 'k',
      generation: 1,
      workflowId: 'docproc/k',
      externalId: 'job_1',
      state: 'COMPLETED',
      route: 'live',
      result: { text: 'x' },
      error: null,
      polls: 1,
      webhooks: 2,
      latencyMs: 3,
      costMicros: 10_000,
    });
    expect(Object.keys(ended)).toEqual(CONTRACT);
    expect(ended.costUsd).toBe(0.01);

    const pending = pendingLine(SNAPSHOT, { polls: 4, webhooks: 0 }, Date.parse(SNAPSHOT.startedAt) + 250);
    expect(Object.keys(pending)).toEqual(CONTRACT);
    expect(pending).toMatchObject({ state: 'PENDING', latencyMs: 250, polls: 4, result: null, error: null });

    const error = new PlaybookError('UNSUPPORTED_MEDIA_TYPE', 'No pictures.');
    const refused = refusedLine({ service: 'docproc', key: 'k', workflowId: 'docproc/k' }, error);
    expect(Object.keys(refused)).toEqual(CONTRACT);
    expect(refused.error).toEqual({ code: 'UNSUPPORTED_MEDIA_TYPE', message: 'No pictures.' });
  });

  it('gives a snapshot its cost in dollars, or none', () => {
    expect(snapshotLine(SNAPSHOT)).toMatchObject({ runId: 'run', costUsd: 0.01 });
    expect(snapshotLine({ ...SNAPSHOT, costMicros: null })).toMatchObject({ costUsd: null });
    expect(Object.keys(snapshotLine(SNAPSHOT))).not.toContain('costMicros');
  });
});

describe('text for people', () => {
  it('writes amounts, times and counts', () => {
    expect([seconds(1234), dollars(10_000), dollars(123), dollars(1_500_000)]).toEqual([
      '1.2 s',
      '$0.01',
      '$0.000123',
      '$1.50',
    ]);
    expect([count(1, 'job'), count(2, 'job')]).toEqual(['1 job', '2 jobs']);
    expect(timeOfDay(new Date(2026, 0, 1, 3, 4, 5, 6))).toBe('03:04:05.006');
  });

  it('shows the first lines of a text, without what would drive a terminal', () => {
    expect(firstLines({ text: 'a\n\n b\u001B[2J\r\nc\nd' }, 3)).toEqual(['a', ' b\uFFFD[2J', 'c']);
    expect(firstLines({ text: 'x'.repeat(200) }, 1)).toEqual([`${'x'.repeat(160)}…`]);
    expect([firstLines({ text: 7 }, 1), firstLines(null, 1), firstLines('text', 1)]).toEqual([[], [], []]);
    expect(printable('tab\tline\nbell\u0007')).toBe('tab\tline\nbell\uFFFD');
  });

  it('links to one run in the Web UI', () => {
    expect(jobLink('http://127.0.0.1:8233', 'default', 'docproc/a%b', 'r-1')).toBe(
      'http://127.0.0.1:8233/namespaces/default/workflows/docproc%2Fa%25b/r-1/history',
    );
  });

  it('colours states on a terminal only, and not where NO_COLOR is set', () => {
    expect(stateText('FAILED', testIo())).toBe('FAILED    ');
    expect(stateText('FAILED', testIo({ columns: 80 }))).toBe('\u001B[31mFAILED    \u001B[0m');
    expect(stateText('FAILED', testIo({ columns: 80, env: { NO_COLOR: '1' } }))).toBe('FAILED    ');
  });

  it('lays out jobs', () => {
    const created = {
      ...SNAPSHOT,
      state: 'CREATED' as const,
      externalId: null,
      route: null,
      errorCode: null,
      latencyMs: null,
    };
    expect(jobTable([SNAPSHOT, created])).toBe(
      [
        'STATE    JOB        ROUTE  EXTERNAL ID  STARTED (UTC)        LATENCY  ERROR',
        'FAILED   docproc/k  live   job_1        2026-11-23 10:00:00  1.5 s    VALIDATION',
        'CREATED  docproc/k  -      -            2026-11-23 10:00:00  -',
        '',
      ].join('\n'),
    );
    expect(jobTable([])).toBe('No jobs.\n');
    expect(jobDetails(SNAPSHOT)).toContain('state        FAILED (VALIDATION)\n');
    expect(jobDetails({ ...created, closedAt: null, costMicros: null })).toContain('cost         -\n');
  });
});

describe('an error', () => {
  it('says what to do where its message does not', () => {
    expect(errorText(new PlaybookError('PORT_IN_USE', 'Port 1 is taken.'))).toBe(
      'PORT_IN_USE: Port 1 is taken.\nStop the other process or choose another port.',
    );
    expect(errorText(new PlaybookError('PORT_IN_USE', 'Port 1 is taken. Use 2.'))).toBe(
      'PORT_IN_USE: Port 1 is taken. Use 2.',
    );
    expect(errorText(new PlaybookError('SETUP_MISSING', 'No: run `playbook setup`.'))).toBe(
      'SETUP_MISSING: No: run `playbook setup`.',
    );
  });

  it('without a code is INTERNAL, and shows its stack only to those who ask', () => {
    const quiet = testIo();
    expect(reportError(quiet, new TypeError('oops'))).toBe(1);
    expect(quiet.err()).toMatch(/^INTERNAL: oops\n/);
    expect(quiet.err()).not.toContain('at ');
    const loud = testIo({ env: { PLAYBOOK_DEBUG: '1' } });
    reportError(loud, new Error('outer', { cause: new Error('inner', { cause: 'core' }) }));
    expect(loud.err()).toMatch(/Error: outer\n\s+at [^]*Caused by: Error: inner[^]*Caused by: core/);
    expect(errorText('text')).toMatch(/^INTERNAL: text\n/);
  });

  it('has an exit code by whose mistake it is', () => {
    const codes = (
      ['BAD_USAGE', 'CONFIG_INVALID', 'FILE_NOT_FOUND', 'UNKNOWN_SERVICE', 'TEMPORAL_UNREACHABLE'] as const
    ).map((code) => reportError(testIo(), new PlaybookError(code, 'x')));
    expect(codes).toEqual([2, 2, 2, 2, 1]);
  });

  it('is one object for scripts', () => {
    expect(JSON.parse(errorJson(new PlaybookError('INVALID_KEY', 'No.')))).toEqual({
      error: { code: 'INVALID_KEY', message: 'No.' },
    });
    expect(JSON.parse(errorJson('no'))).toEqual({ error: { code: 'INTERNAL', message: 'no' } });
  });
});

describe('the screen', () => {
  it('without a terminal writes finished lines only', () => {
    const io = testIo();
    const screen = createScreen(io);
    screen.live(['spinning']);
    screen.print('done');
    expect(io.out()).toBe('done\n');
    expect(screen.guard(io)).toBe(io);
  });

  it('keeps live lines below finished ones, each change in one write', () => {
    const io = testIo({ columns: 20 });
    const screen = createScreen(io);
    screen.live([]);
    expect(io.out()).toBe('');
    screen.live(['one', 'two']);
    screen.print('done');
    screen.live([]);
    expect(io.out()).toBe('one\ntwo\n\u001B[2A\r\u001B[Jdone\none\ntwo\n\u001B[2A\r\u001B[J');
  });

  it('cuts live lines to the width, colours not counted', () => {
    const io = testIo({ columns: 10 });
    createScreen(io).live(['\u001B[31m123456\u001B[0m7890123']);
    expect(io.out()).toBe('\u001B[31m123456\u001B[0m789\u001B[0m\n');
  });

  it('lets logs through above the live lines', () => {
    const io = testIo({ columns: 20 });
    const screen = createScreen(io);
    const guarded = screen.guard(io);
    guarded.stderr.write('log\n');
    screen.live(['live']);
    guarded.stderr.write('more\n');
    expect(io.err()).toBe('log\nmore\n');
    expect(io.out()).toBe('live\n\u001B[1A\r\u001B[Jlive\n');
  });

  it('shows nothing live on a dumb terminal', () => {
    const io = testIo({ columns: 20, env: { TERM: 'dumb' } });
    expect(createScreen(io).isLive).toBe(false);
  });
});

describe('the report of a run', () => {
  const line = refusedLine({ service: 's', key: 'k', workflowId: 's/k' }, new PlaybookError('INVALID_INPUT', 'Bad.'));

  it('for people: a line per job with its error, its text, or that it goes on', () => {
    const io = testIo();
    const report = createReport(io, { json: false, names: ['a.pdf', 'b.pdf', 'c.pdf'] });
    report.ended(0, line);
    report.ended(1, { ...line, state: 'PENDING', error: null });
    report.ended(2, { ...line, state: 'COMPLETED', error: null, result: { text: 'Hello\nthere' } });
    report.note('By the way.');
    report.close();
    expect(io.out()).toBe(
      [
        'FAILED      a.pdf  0.0 s  $0.00  s/k',
        '  INVALID_INPUT: Bad.',
        'PENDING     b.pdf  0.0 s  $0.00  s/k',
        '  It goes on; the same command picks it up again.',
        'COMPLETED   c.pdf  0.0 s  $0.00  s/k',
        '  │ Hello',
        '  │ there',
        '',
      ].join('\n'),
    );
    expect(io.err()).toBe('By the way.\n');
  });

  it('on a terminal shows how many are left', () => {
    const io = testIo({ columns: 80 });
    const report = createReport(io, { json: false, names: ['a'] });
    expect(io.out()).toContain('1 of 1 job under way');
    report.ended(0, line);
    report.close();
    expect(io.out().endsWith('\u001B[J')).toBe(true);
  });

  it('for scripts: one object a line and nothing else', () => {
    const io = testIo({ columns: 80 });
    const report = createReport(io, { json: true, names: ['a', 'b'] });
    report.ended(1, line);
    report.close();
    expect(io.out()).toBe(`${JSON.stringify(line)}\n`);
  });
});

describe('the story of the sample job', () => {
  const outcome = {
    service: 'docproc',
    key: 'k',
    generation: 1,
    workflowId: 'docproc/k',
    externalId: 'job_1',
    state: 'COMPLETED',
    route: 'live',
    result: { text: 'Hello' },
    error: null,
    polls: 1,
    webhooks: 1,
    latencyMs: 1,
    costMicros: 10_000,
  } as const;

  it('tells text, link and what to try next', () => {
    const text = storyText(outcome, 'http://ui/link');
    expect(text).toContain('(1 webhook, 1 status request, $0.01)');
    expect(text).toContain('  │ Hello\n');
    expect(text).toContain('  http://ui/link\n');
    expect(text).toContain('npx playbook run docproc <file>');
    expect(storyText({ ...outcome, result: null }, 'x')).not.toContain('begins');
  });

  it('tells the error and where to look, should it not end well', () => {
    const error = { code: 'VALIDATION', message: 'Bad\u0007.' } as const;
    expect(storyText({ ...outcome, state: 'FAILED', result: null, error }, 'http://ui')).toBe(
      '\nVALIDATION: Bad\uFFFD.\n\nWhat happened, in the Web UI:\n  http://ui\n',
    );
    const pending = { state: 'PENDING', service: 'docproc', key: 'k', workflowId: 'docproc/k' } as const;
    expect(storyText(pending, 'http://ui')).toContain('\nPENDING\n');
  });
});

describe('signals', () => {
  it('the first ends the command in order, a later one at once; npm’s echo of the first counts as the first', () => {
    const said: unknown[] = [];
    let nowMs = 1000;
    const interrupt = createInterrupt({
      now: () => nowMs,
      warn: (text) => said.push(text),
      exit: (code) => said.push(code),
    });
    interrupt.onSignal('SIGINT');
    expect(interrupt.signal.aborted).toBe(true);
    nowMs += 20;
    interrupt.onSignal('SIGINT');
    expect(said).toEqual([]);
    nowMs += 1000;
    interrupt.onSignal('SIGINT');
    interrupt.onSignal('SIGTERM');
    const text = 'Forced to end. The next start cleans up.\n';
    expect(said).toEqual([text, 130, text, 143]);
  });

  it('are not the only reason to end', () => {
    const interrupt = createInterrupt({ now: () => 0, warn: () => undefined, exit: () => undefined });
    interrupt.abort();
    expect(interrupt.signal.aborted).toBe(true);
  });

  it('are waited for by any number of jobs, without a warning', () => {
    const interrupt = createInterrupt({ now: () => 0, warn: () => undefined, exit: () => undefined });
    expect(getMaxListeners(interrupt.signal)).toBe(Infinity);
  });
});
