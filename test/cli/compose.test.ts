import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createClosing } from '../../src/cli/compose/closing.ts';
import { namedServer, serverToUse, unreachable } from '../../src/cli/compose/external.ts';
import { checkFiles, fileRef, inputOf } from '../../src/cli/compose/file-input.ts';
import { startHealth } from '../../src/cli/compose/health.ts';
import {
  announcedEndpoints,
  announceEndpoints,
  callbackSecretFile,
  keepPorts,
  keptPorts,
  withdrawEndpoints,
} from '../../src/cli/compose/home-facts.ts';
import { derivedKey } from '../../src/cli/compose/job-key.ts';
import { startLogging } from '../../src/cli/compose/logging.ts';
import { productionServices } from '../../src/cli/compose/production-services.ts';
import { untilReachable } from '../../src/cli/compose/retrying.ts';
import {
  configPaths,
  forSandbox,
  fromFile,
  integrationOf,
  isLocalSandbox,
  loopbackPort,
  withSandboxDefaults,
} from '../../src/cli/compose/service-configs.ts';
import { neededRetentionMs, setupProblems } from '../../src/cli/compose/setup.ts';
import { logTemporalEntry } from '../../src/cli/compose/temporal-log.ts';
import { createLimit } from '../../src/cli/limit.ts';
import { findSample, sampleKey } from '../../src/cli/actions/sample.ts';
import { playbook, testIo } from './helpers/test-io.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'playbook-cli-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const YAML = `environment: sandbox
service:
  base_url: http://127.0.0.1:9
  version: v3
  rate_limit: { qps_cap: 8 }
auth:
  type: oauth_client_credentials
  token_url: http://127.0.0.1:9/oauth/token
  scopes: [jobs.read]
webhook:
  public_url: http://localhost:8444
`;

describe('files given on the command line', () => {
  it('are all checked before anything is done, and every one that is missing is named', async () => {
    const good = await file('good.txt', 'x');
    await expect(checkFiles(['good.txt', 'gone.pdf', '.', 'good.txt/x'], folder)).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
      message:
        '3 files cannot be read; nothing was sent:\n  gone.pdf: is not there\n  .: is not a file\n  good.txt/x: cannot be opened (ENOTDIR)',
    });
    await expect(checkFiles(['good.txt'], folder)).resolves.toEqual([good]);
  });

  it('are named by `playbook run`, which sends nothing and exits 2', async () => {
    const { code, out, err } = await playbook(['run', 'docproc', 'gone.pdf', '--json'], { cwd: folder });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toBe('FILE_NOT_FOUND: gone.pdf: is not there. Check the path; nothing was sent.\n');
  });

  it.each([
    ['a.PDF', 'anything', 'application/pdf'],
    ['b.md', '# x', 'text/markdown'],
    ['scan', '%PDF-1.7', 'application/pdf'],
    ['picture', Buffer.from([0x89, 0x50, 0x4e, 0x47]), 'image/png'],
    ['blob', 'plain?', 'application/octet-stream'],
    ['empty.pdf', '', 'application/pdf'],
  ])('%s is of type %s, by its name or its first bytes', async (name, content, contentType) => {
    const ref = await fileRef(await file(name, content));
    expect(ref).toMatchObject({
      contentType,
      bytes: Buffer.byteLength(content),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('of a type the integration does not take are refused before anything is sent', async () => {
    const docproc = await integrationOf('docproc');
    const picture = await fileRef(await file('p.png', 'x'));
    expect(() => inputOf(docproc, picture)).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_MEDIA_TYPE', message: expect.stringContaining('image/png') }),
    );
    const { fromFile: _none, ...without } = docproc;
    expect(() => inputOf(without, picture)).toThrow(expect.objectContaining({ code: 'BAD_USAGE' }));
  });
});

describe('the key of a job nobody gave one', () => {
  const parts = {
    service: 'docproc',
    input: { document: { uri: 'file:///a', sha256: 'f'.repeat(64) } },
    unit: undefined,
    configDigest: undefined,
  };
  it('follows from content and options, not from where the file is', () => {
    const moved = { ...parts, input: { document: { uri: 'file:///b', sha256: 'f'.repeat(64) } } };
    expect(derivedKey(moved)).toBe(derivedKey(parts));
    expect(derivedKey(parts)).toMatch(/^[0-9a-f]{32}$/);
    const others = [
      { ...parts, unit: 'u' },
      { ...parts, configDigest: 'd' },
      { ...parts, service: 'other' },
      { ...parts, input: {} },
    ];
    expect(new Set([parts, ...others].map(derivedKey)).size).toBe(5);
  });
});

describe('--config', () => {
  it('names its service where there are several', () => {
    const services = ['docproc', 'imagegen'];
    expect([...configPaths(['docproc=a.yaml', 'imagegen=/b.yaml'], services, '/cwd', [])]).toEqual([
      ['docproc', '/cwd/a.yaml'],
      ['imagegen', '/b.yaml'],
    ]);
    expect([...configPaths(['a=b.yaml'], ['docproc'], '/cwd', [])]).toEqual([['docproc', '/cwd/a=b.yaml']]);
    expect(() => configPaths(['a.yaml'], services, '/cwd', ['up'])).toThrow(
      'Say which service --config a.yaml is for: --config <service>=<path>, one of docproc, imagegen. See `playbook up --help`.',
    );
  });

  it('of a file with problems is exit 2, with all of them', async () => {
    const path = await file('bad.yaml', 'service: { base_url: ftp://x }\nnope: 1\n');
    const pdf = await file('x.pdf', 'x');
    const { code, err } = await playbook(['run', 'docproc', pdf, '--config', path]);
    expect(code).toBe(2);
    expect(err).toMatch(/^CONFIG_INVALID: .*bad\.yaml has \d+ problems:/);
    expect(err).toContain('nope');
  });

  it('for production names all secrets that are missing, at the start', async () => {
    const path = await file('docproc.yaml', YAML);
    const io = testIo();
    await expect(productionServices(io, [`docproc=${path}`], ['worker'], () => undefined)).rejects.toMatchObject({
      code: 'SECRET_UNAVAILABLE',
      message: expect.stringMatching(/DOCPROC_CLIENT_SECRET[^]*DOCPROC_WEBHOOK_SECRET/),
    });
  });

  it('for production must be there', async () => {
    const { code, err } = await playbook(['worker']);
    expect(code).toBe(2);
    expect(err).toContain('CONFIG_INVALID: No service is configured. Copy integrations/<service>/config.example.yaml');
  });
});

describe('the configuration of embedded parts', () => {
  it('is the example, pointed at the sandbox and this home', async () => {
    const site = {
      sandboxUrl: 'http://127.0.0.1:1',
      receiverUrl: 'http://127.0.0.1:2',
      callbackSecretFile: await callbackSecretFile(folder),
    };
    const learned: string[] = [];
    const { config, secrets } = await forSandbox('docproc', site, (value) => learned.push(value));
    expect(config.service.base_url).toBe('http://127.0.0.1:1');
    expect(config.webhook?.public_url).toBe('http://127.0.0.1:2');
    expect(isLocalSandbox(config)).toBe(true);
    const token = await secrets.resolve(config.webhook?.token_secret ?? '');
    expect(token).toBe(await readFile(site.callbackSecretFile, 'utf8'));
    expect(learned).toContain(token);
  });

  it('from a file for a sandbox needs no secrets of its own, but takes those that are set', async () => {
    const path = await file('own.yaml', YAML);
    const set = { DOCPROC_CLIENT_SECRET: 'mine', OTHER: undefined };
    const { config, secrets } = await fromFile(
      'docproc',
      path,
      (own) => withSandboxDefaults(own, set, 'callback-secret-of-home'),
      () => undefined,
    );
    await expect(secrets.resolve('env:DOCPROC_CLIENT_SECRET')).resolves.toBe('mine');
    await expect(secrets.resolve('env:DOCPROC_CALLBACK_SECRET')).resolves.toBe('callback-secret-of-home');
    expect(loopbackPort(config.webhook?.public_url)).toBe(8444);
    expect([loopbackPort('https://example.com:1'), loopbackPort(undefined), loopbackPort('http://127.0.0.1')]).toEqual([
      undefined,
      undefined,
      80,
    ]);
    const elsewhere = { ...config, environment: 'production' };
    expect(withSandboxDefaults(elsewhere, { A: 'b' }, 'x')).toEqual({ A: 'b' });
  });
});

describe('what a home remembers', () => {
  it('are ports and endpoints; a damaged file is as good as none', async () => {
    expect(await keptPorts(folder)).toEqual({});
    await keepPorts(folder, { sandbox: 1, receiver: 2 });
    expect(await keptPorts(folder)).toEqual({ sandbox: 1, receiver: 2 });
    await writeFile(join(folder, 'ports.json'), '{');
    expect(await keptPorts(folder)).toEqual({});
    await announceEndpoints(folder, { temporal: 'a', uiUrl: 'b' });
    expect(await announcedEndpoints(folder)).toEqual({ temporal: 'a', uiUrl: 'b' });
    await withdrawEndpoints(folder);
    expect(await announcedEndpoints(folder)).toBeUndefined();
  });

  it('is a callback secret, made once, for its owner only', async () => {
    const path = await callbackSecretFile(folder);
    const first = await readFile(path, 'utf8');
    expect(first.length).toBeGreaterThan(40);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await callbackSecretFile(folder);
    expect(await readFile(path, 'utf8')).toBe(first);
    await expect(callbackSecretFile(join(folder, 'not-there'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('the sample', () => {
  it('is the first integration’s, with a key for each start', async () => {
    await expect(findSample(['nothing', 'docproc'])).resolves.toEqual({
      service: 'docproc',
      path: expect.stringMatching(/docproc[/\\]demos[/\\]sample\.pdf$/),
    });
    await expect(findSample(['nothing'])).resolves.toBeUndefined();
    expect(sampleKey(new Date('2026-01-02T03:04:05.678Z'))).toBe('sample-20260102-030405');
  });
});

describe('closing', () => {
  it('goes backwards, closes all, and then tells the first failure', async () => {
    const closing = createClosing();
    const order: number[] = [];
    for (const n of [1, 2, 3]) {
      closing.add(() => {
        order.push(n);
        if (n > 1) throw new Error(`no ${n}`);
      });
    }
    await expect(closing.close()).rejects.toThrow('no 3');
    expect(order).toEqual([3, 2, 1]);
    await expect(closing.close()).resolves.toBeUndefined();
  });
});

describe('a limit', () => {
  it('runs so many at once, in order, whatever fails', async () => {
    const limit = createLimit(2);
    let [running, most] = [0, 0];
    const order: number[] = [];
    const tasks = [1, 2, 3, 4, 5].map((n) =>
      limit(async () => {
        running += 1;
        most = Math.max(most, running);
        order.push(n);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
        if (n === 2) throw new Error('two');
        return n;
      }),
    );
    const settled = await Promise.allSettled(tasks);
    expect(settled.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
    expect({ most, order }).toEqual({ most: 2, order: [1, 2, 3, 4, 5] });
  });
});

describe('the Temporal server to use', () => {
  it('is the one the environment names, else the usual one', () => {
    const named = namedServer(testIo({ env: { TEMPORAL_ADDRESS: 'temporal:7233', TEMPORAL_NAMESPACE: 'n' } }));
    expect(named).toMatchObject({ address: 'temporal:7233', namespace: 'n' });
    const none = testIo({ env: { TEMPORAL_CONFIG_FILE: join(folder, 'none.toml'), UNSET: undefined } });
    expect(namedServer(none)).toBeUndefined();
    expect(serverToUse(none)).toMatchObject({ address: 'localhost:7233', namespace: 'default' });
  });

  it('may be named by a profile, which must be readable', async () => {
    const path = await file('temporal.toml', '[profile.default]\naddress = "here:1"\n');
    expect(namedServer(testIo({ env: { TEMPORAL_CONFIG_FILE: path } }))?.address).toBe('here:1');
    const broken = await file('broken.toml', '[profile');
    expect(() => namedServer(testIo({ env: { TEMPORAL_CONFIG_FILE: broken } }))).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });

  it('is waited for, with one line in a while, until interrupted', async () => {
    const io = testIo();
    const { logger } = startLogging(io, 'info', []);
    const server = { address: 'x:1', namespace: 'default', connection: {} };
    let attempts = 0;
    const waiting = untilReachable(server, { logger, interrupt: io.interrupt }, () => {
      attempts += 1;
      return Promise.reject(unreachable(server, undefined));
    });
    await io.sees('Temporal at x:1 does not answer; trying again every 2 s');
    io.ctrlC();
    await expect(waiting).rejects.toMatchObject({ name: 'InterruptedError' });
    expect(attempts).toBe(1);
    await expect(
      untilReachable(server, { logger, interrupt: io.interrupt }, () => Promise.reject(new Error('no'))),
    ).rejects.toMatchObject({ name: 'InterruptedError' });
  });

  it('must answer `playbook jobs`, which else says what to start or set', async () => {
    const { code, err } = await playbook(['jobs', 'list'], { env: { PLAYBOOK_HOME: join(folder, 'none') } });
    expect(code).toBe(1);
    expect(err).toBe(
      `TEMPORAL_UNREACHABLE: Nothing runs in ${join(folder, 'none')}. Start \`playbook up\` there, or set TEMPORAL_ADDRESS to a server of your own.\n`,
    );
    const away = await playbook(['jobs', 'list', '--json'], { env: { TEMPORAL_ADDRESS: '127.0.0.1:1' } });
    expect(JSON.parse(away.out)).toMatchObject({ error: { code: 'TEMPORAL_UNREACHABLE' } });
    const setup = await playbook(['setup'], { env: { TEMPORAL_ADDRESS: '127.0.0.1:1' } });
    expect(setup.err).toContain('TEMPORAL_UNREACHABLE: Temporal at 127.0.0.1:1 does not answer.');
  });
});

describe('logs', () => {
  it('have the level of the command unless PLAYBOOK_LOG_LEVEL says otherwise', () => {
    const quiet = testIo();
    startLogging(quiet, 'warn', []).logger.info({}, 'hidden');
    expect(quiet.err()).toBe('');
    const loud = testIo({ env: { PLAYBOOK_LOG_LEVEL: 'debug' } });
    startLogging(loud, 'warn', []).logger.debug({}, 'shown');
    expect(loud.err()).toContain('"msg":"shown"');
    expect(() => startLogging(testIo({ env: { PLAYBOOK_LOG_LEVEL: 'lots' } }), 'warn', ['up'])).toThrow(
      'PLAYBOOK_LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent (got "lots").',
    );
  });

  it('of Temporal’s SDK go where ours go; how a job ended is no warning', () => {
    const io = testIo();
    const { logger } = startLogging(io, 'debug', []);
    const entry = { timestampNanos: 0n };
    logTemporalEntry(logger, { ...entry, level: 'WARN', message: 'No workflows registered, not polling', meta: {} });
    expect(io.err()).toBe('');
    for (const error of [new Error('why'), { message: 'so' }, 'text']) {
      const meta = { workflowId: 'a/b', runId: 'r', error };
      logTemporalEntry(logger, { ...entry, level: 'WARN', message: 'Workflow failed', meta });
    }
    for (const level of ['ERROR', 'WARN', 'DEBUG'] as const) {
      logTemporalEntry(logger, { ...entry, level, message: `at ${level}`, meta: { n: 1 } });
    }
    const lines = io
      .err()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ level, msg, reason, n }) => [level, msg, reason ?? n])).toEqual([
      ['info', 'A job ended without success', 'why'],
      ['info', 'A job ended without success', 'so'],
      ['info', 'A job ended without success', undefined],
      ['error', 'at ERROR', 1],
      ['warn', 'at WARN', 1],
      ['debug', 'at DEBUG', 1],
    ]);
  });
});

describe('health', () => {
  it('tells that the process lives and whether it works', async () => {
    let isReady = false;
    const health = await startHealth({ port: 0, host: '127.0.0.1', isReady: () => isReady });
    try {
      const status = async (path: string) => (await fetch(`http://127.0.0.1:${health.port}${path}`)).status;
      expect([await status('/healthz'), await status('/readyz'), await status('/x')]).toEqual([200, 503, 404]);
      isReady = true;
      expect(await status('/readyz')).toBe(200);
      await expect(startHealth({ port: health.port, host: '127.0.0.1', isReady: () => true })).rejects.toMatchObject({
        code: 'PORT_IN_USE',
        message: expect.stringContaining('--port'),
      });
    } finally {
      await health.close();
    }
  });
});

describe('the setup of a namespace', () => {
  const good = {
    namespace: 'n',
    missing: [],
    mistyped: [],
    retentionMs: 7 * 86_400_000,
    neededRetentionMs: 7 * 86_400_000,
  };
  it('is told in one sentence per problem', () => {
    expect(setupProblems(good)).toEqual([]);
    expect(setupProblems({ ...good, missing: ['A', 'B'], mistyped: ['C'], retentionMs: 86_400_000 })).toEqual([
      'Namespace n lacks the search attributes A, B: run `playbook setup`.',
      "Namespace n has C with another type than Playbook's: remove them there, then run `playbook setup`.",
      'Namespace n keeps closed workflows for 1 day, and Playbook needs 7 days: run `playbook setup --retention 7d`.',
    ]);
  });

  it('needs a retention as long as senders retry and services remember keys, and a week at least', async () => {
    const docproc = await integrationOf('docproc');
    expect(neededRetentionMs([docproc])).toBe(7 * 86_400_000);
    const webhook = docproc.webhook && { ...docproc.webhook, retryHorizonMs: 9 * 86_400_000 };
    expect(neededRetentionMs([{ ...docproc, ...(webhook && { webhook }) }])).toBe(9 * 86_400_000);
    const { webhook: _none, ...without } = docproc;
    const submit = { ...docproc.submit, idempotency: { kind: 'none' as const } };
    expect(neededRetentionMs([{ ...without, submit }])).toBe(7 * 86_400_000);
  });
});
