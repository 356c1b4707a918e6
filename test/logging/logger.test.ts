import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { createLogger } from '../../src/logging/logger.ts';
import type { LoggerOptions } from '../../src/logging/logger.ts';
import { prettyLine } from '../../src/logging/pretty-line.ts';
import { createRedactor } from '../../src/logging/redactor.ts';

function setUp(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const redactor = createRedactor();
  const logger = createLogger({
    redactor,
    pretty: false,
    destination: { write: (line) => lines.push(line) },
    ...options,
  });
  return { lines, redactor, logger, fields: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('createLogger', () => {
  it('writes one JSON line with ISO time, level and fields', () => {
    const { logger, fields, lines } = setUp({ base: { service: 'docproc' } });
    logger.warn({ attempt: 2 }, 'throttled');
    logger.debug('not at this level');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/\n$/);
    expect(fields()[0]).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      service: 'docproc',
      attempt: 2,
      msg: 'throttled',
    });
  });

  it('lets no planted secret through, however it is logged', () => {
    const { logger, redactor, lines } = setUp({ level: 'trace' });
    const canary = 'c4nary"/+ü value';
    redactor.learn(canary);
    const error = new Error(`failed with ${canary}`, { cause: new Error(canary) });
    const child = logger.child({ context: canary, password: 'hunter2' });
    logger.info(canary);
    logger.info('with %s', canary);
    logger.error(error);
    logger.error({ err: error, nested: [{ text: `x${canary}y` }] }, 'x');
    child.info(
      { url: `https://h/?a=${encodeURIComponent(canary)}`, form: new URLSearchParams({ canary }).toString() },
      'x',
    );
    logger.info({ header: Buffer.from(`user:${canary}`).toString('base64'), body: JSON.stringify({ canary }) }, 'x');
    logger.info({ whole: Buffer.from(canary).toString('base64url') }, 'x');
    expect(lines).toHaveLength(7);
    const all = lines.join('');
    expect(all).not.toContain('c4nary');
    expect(all).not.toContain('hunter2');
    for (const text of [canary, `user:${canary}`]) {
      expect(all).not.toContain(Buffer.from(text).toString('base64').slice(8, 20));
    }
  });

  it('is readable on a terminal', () => {
    const { logger, lines } = setUp({ pretty: true });
    logger.error({ err: new Error('broken'), id: 'a b', n: 1 }, 'it failed');
    // oxlint-disable-next-line no-control-regex -- the colours
    const plain = (lines[0] ?? '').replaceAll(/\u001B\[\d+m/g, '');
    expect(plain).toMatch(/^\d\d:\d\d:\d\d\.\d{3} ERROR it failed id="a b" n=1\n {4}Error: broken\n/);
  });
});

describe('prettyLine', () => {
  it('leaves alone what is no log line', () => {
    expect(['text', '5', 'null'].map((line) => prettyLine(line))).toEqual(['text', '5', 'null']);
  });

  it('keeps control characters from the terminal and copes with missing fields', () => {
    const line = prettyLine(JSON.stringify({ level: 9, msg: 'a\u001B[2Jb' }));
    expect(line).toContain('INFO');
    expect(line).toContain('a\uFFFD[2Jb');
    expect(prettyLine('{"err":{"stack":5}}')).toContain('INFO');
  });
});

describe('createRedactor', () => {
  it('ignores values too short to tell from ordinary text', () => {
    const { redactor } = setUp();
    redactor.learn('job');
    expect(redactor.text('a job')).toBe('a job');
  });

  it('prefers the longer of two secrets that begin alike', () => {
    const { redactor } = setUp();
    redactor.learn('abcdef');
    redactor.learn('abcdefghi');
    expect(redactor.text('x abcdefghi abcdef y')).toBe('x [redacted] [redacted] y');
  });

  it('removes the lines of a key, and forgets the oldest of very many secrets', () => {
    const { redactor } = setUp();
    const line = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7';
    redactor.learn(`begin\n${line}\nend`);
    expect(redactor.text(`x ${line}`)).toBe('x [redacted]');
    for (let index = 0; index < 500; index += 1) redactor.learn(`value-${index}-x`);
    expect(redactor.text(`${line} value-499-x`)).toBe(`${line} [redacted]`);
  });

  it('redacts headers and classified values', () => {
    const { redactor } = setUp();
    redactor.learn('canary-1');
    expect(redactor.headers({ cookie: 'a', via: 'canary-1' })).toEqual({ cookie: '[redacted]', via: '[redacted]' });
    expect(redactor.value({ a: 'Ann' }, { child: () => ({ dataClass: 'pii', child: () => undefined }) })).toEqual({
      a: '[redacted: pii]',
    });
  });
});

describe('where nothing is said', () => {
  it('logs JSON at level info to stderr, leaving stdout to results', async () => {
    const code = `
      const { createLogger } = await import('./src/logging/logger.ts');
      const { createRedactor } = await import('./src/logging/redactor.ts');
      const logger = createLogger({ redactor: createRedactor() });
      logger.debug('hidden');
      logger.info('shown');
      process.exit(0);`;
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', code],
      {
        cwd: fileURLToPath(new URL('../..', import.meta.url)),
      },
    );
    expect(stdout).toBe('');
    expect(stderr.split('\n').map((line) => line.replace(/"time":"[^"]+"/, '"time":""'))).toEqual([
      '{"level":"info","time":"","msg":"shown"}',
      '',
    ]);
  });
});
