import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseDocument } from 'yaml';
import { readGaps } from '../../src/authoring/gaps.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { defaultClient, sandboxAccess, startSandbox } from '../../src/sandbox/index.ts';
import type { Sandbox, SandboxOptions } from '../../src/sandbox/index.ts';
import { copyProject } from '../authoring/project-copy.ts';
import { playbook, testIo } from '../cli/helpers/test-io.ts';

const docproc = copyProject('docproc');
const wavescan = copyProject('wavescan');
const folder = mkdtempSync(join(tmpdir(), 'playbook-probe-test-'));
const closing: (() => unknown)[] = [];
beforeEach(() => docproc.restore());
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});
afterAll(() => {
  docproc.close();
  wavescan.close();
  rmSync(folder, { recursive: true });
});

async function sandboxWith(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({
    limit: { rate: 1_000 },
    processing: { minMs: 150, maxMs: 150 },
    ...options,
    port: 0,
  });
  closing.push(() => sandbox.close());
  return sandbox;
}

/** docproc's example configuration for a counterpart on this machine. */
function configFor(url: string, options: SandboxOptions, change: Readonly<Record<string, unknown>> = {}): string {
  const document = parseDocument(
    readFileSync(join(docproc.folder, 'integrations/docproc/config.example.yaml'), 'utf8'),
  );
  document.setIn(['service', 'base_url'], url);
  document.set('auth', sandboxAccess(options, url).auth);
  document.delete('webhook');
  for (const [key, value] of Object.entries(change)) document.set(key, value);
  const path = join(folder, 'config.yaml');
  writeFileSync(path, document.toString());
  return path;
}

interface Answer {
  readonly code: number;
  readonly err: string;
  /** Parsed. */
  readonly said: { readonly finding: string; readonly problems: readonly string[]; readonly gap: number } & Record<
    string,
    unknown
  >;
}

async function probe(url: string, argv: readonly string[], options: SandboxOptions = {}): Promise<Answer> {
  const config = configFor(url, options);
  const { code, out, err } = await playbook(
    ['probe', 'docproc', ...argv, '--config', config, '--project', docproc.folder, '--json'],
    { env: { DOCPROC_CLIENT_SECRET: defaultClient.secret } },
  );
  return { code, err, said: JSON.parse(out) as Answer['said'] };
}

function gapOf({ folder: project }: typeof docproc, service: string, number: number) {
  const text = readFileSync(join(project, 'integrations', service, 'context-gaps.md'), 'utf8');
  return readGaps(text).find((gap) => gap.number === number);
}

describe('probe burst', () => {
  it('tells at which rate a service throttles, how it says so, and whether it keeps its word', async () => {
    const { url } = await sandboxWith({ limit: { rate: 2 } });
    const { code, said } = await probe(url, ['burst', '--rate', '4']);
    expect({ code, said }).toMatchObject({
      code: 0,
      said: {
        asked: 'list',
        announced: { 'x-ratelimit-limit': '2' },
        steps: [
          { perSecond: 1, sent: 1, answered: 1, throttled: 0 },
          { perSecond: 2, sent: 2, answered: 2, throttled: 0 },
          { perSecond: 4, answered: 2, throttled: expect.any(Number) },
        ],
        refusal: { status: 429, serviceCode: 'RATE_LIMITED', retryAfterMs: 1000, headers: { 'retry-after': '1' } },
        after: { waitedMs: 1000, isAnswered: true },
        problems: ['It throttles at 4 a second, and service.rate_limit allows 8: lower qps_cap.'],
        gap: 3,
      },
    });
    expect(gapOf(docproc, 'docproc', 3)).toMatchObject({
      question: 'What happens to a burst?',
      status: 'Open',
      finding: expect.stringMatching(
        /^sandbox, \d{4}-\d\d-\d\d: Lists at 1, 2 a second: none throttled\. .*lower qps_cap\.$/,
      ),
    });
  });

  it('says of a service that does not throttle up to which rate, sends no more than it may, and closes the gap', async () => {
    const sandbox = await sandboxWith({ limit: { rate: 1_000, announce: false } });
    const { said } = await probe(sandbox.url, ['burst', '--rate', '16', '--count', '7']);
    expect(said).toMatchObject({
      finding: 'Lists at 2, 4 a second: none throttled. An answer that is let through says: no header of limits.',
      problems: [],
    });
    expect(said).not.toHaveProperty('refusal');
    expect(sandbox.requests({ method: 'GET' })).toHaveLength(1 + 2 + 4);
    expect(gapOf(docproc, 'docproc', 3)?.status).toBe('Closed');
  });

  it('says of a refusal without Retry-After that it has none', async () => {
    const { url } = await sandboxWith({ limit: { rate: 1, announce: false, retryAfter: 'none' } });
    const { said } = await probe(url, ['burst', '--rate', '2']);
    expect(said['refusal']).toEqual({ status: 429, serviceCode: 'RATE_LIMITED', headers: {} });
    expect(said.finding).toContain('refused with 429 RATE_LIMITED (no header of limits). 1 s later it answers again.');
  });
});

describe('probe states', () => {
  it('writes down every word of a job that ends and of one that fails, with its time', async () => {
    const { url } = await sandboxWith();
    const { said } = await probe(url, ['states']);
    expect(said).toMatchObject({
      jobs: [
        { sample: 'valid', words: [{ word: 'PROCESSING', atMs: 0, means: 'PROCESSING' }, { word: 'COMPLETED' }] },
        { sample: 'failing', words: [{ word: 'PROCESSING' }, { word: 'FAILED', means: 'FAILED' }], hasEnded: true },
      ],
      unknown: [],
      unseen: ['CANCELED'],
      problems: [],
    });
    const [job] = said['jobs'] as [{ words: { atMs: number }[] }];
    expect(job.words[1]?.atMs).toBeGreaterThanOrEqual(140);
    expect(gapOf(docproc, 'docproc', said.gap)).toMatchObject({
      number: 16,
      area: 'Semantics',
      status: 'Closed',
      finding: expect.stringContaining('A sample: PROCESSING in the answer, COMPLETED after 0.'),
    });
  });

  it('names a word that the integration does not have, and follows the job past it', async () => {
    const sandbox = await sandboxWith();
    sandbox.faults({ rules: [{ kind: 'drift', method: 'GET', path: '/v3/jobs/*', status: 'IN_REVIEW', count: 1 }] });
    const { code, said } = await probe(sandbox.url, ['states']);
    expect({ code, said }).toMatchObject({
      code: 0,
      said: {
        unknown: ['IN_REVIEW'],
        problems: ['"IN_REVIEW" is not in the integration\'s states: add it to src/constants.ts.'],
        jobs: [{ words: [{}, { word: 'IN_REVIEW', means: null }, { word: 'COMPLETED' }], hasEnded: true }, {}],
      },
    });
    expect(gapOf(docproc, 'docproc', said.gap)?.status).toBe('Open');
  });

  it('counts reads that did not find the job yet, waits out a 429, and gives up after --max-wait', async () => {
    const sandbox = await sandboxWith({ processing: { minMs: 20_000, maxMs: 20_000 } });
    const path = '/v3/jobs/*';
    sandbox.faults({
      rules: [
        { kind: 'error', method: 'GET', path, status: 404, code: 'NOT_FOUND', count: 1 },
        { kind: 'error', method: 'GET', path, status: 429, retryAfterS: 0, skip: 1, count: 1 },
      ],
    });
    const { said } = await probe(sandbox.url, ['states', '--max-wait', '700ms']);
    expect(said).toMatchObject({ jobs: [{ notFound: 1, hasEnded: false, words: [{ word: 'PROCESSING' }] }, {}] });
    expect(said.finding).toMatch(/not found by the first 1 of \d+ reads; it had not ended when the wait was over\./);
  });
});

describe('probe idempotency', () => {
  const conflict = { gave: 'conflict', status: 422, serviceCode: 'IDEMPOTENCY_KEY_REUSED' };

  it('tells of the same job, and of the conflict that another body is', async () => {
    const sandbox = await sandboxWith();
    const { said } = await probe(sandbox.url, ['idempotency', '--gap', '5']);
    expect(said).toMatchObject({
      policy: 'header',
      again: { gave: 'same' },
      atOnce: { gave: 'same' },
      otherBody: conflict,
      jobs: 2,
      problems: [],
      gap: 5,
    });
    expect(sandbox.requests({ method: 'POST', accepted: true })).toHaveLength(2);
    expect(gapOf(docproc, 'docproc', 5)).toMatchObject({
      question: 'What does a repeated key give?',
      finding: expect.stringContaining('Another body under it: a conflict (422 IDEMPOTENCY_KEY_REUSED). 2 jobs of 5'),
    });
  });

  it('tells of the conflict while the first is under way', async () => {
    const sandbox = await sandboxWith();
    sandbox.faults({ rules: [{ kind: 'latency', method: 'POST', path: '/v3/jobs', ms: 200, at: 'inside' }] });
    const { said } = await probe(sandbox.url, ['idempotency']);
    expect(said).toMatchObject({
      again: { gave: 'same' },
      atOnce: { gave: 'conflict', status: 409, serviceCode: 'IDEMPOTENCY_KEY_IN_USE' },
    });
  });

  it('tells of a repetition that is refused', async () => {
    const sandbox = await sandboxWith();
    const path = '/v3/jobs';
    sandbox.faults({
      rules: [{ kind: 'error', method: 'POST', path, status: 409, code: 'DUPLICATE', skip: 1, count: 1 }],
    });
    const { said } = await probe(sandbox.url, ['idempotency']);
    expect(said).toMatchObject({ again: { gave: 'conflict', status: 409, serviceCode: 'DUPLICATE' }, problems: [] });
  });

  it('tells of a second job where the service knows no keys, and leaves the gap open', async () => {
    const sandbox = await sandboxWith({ idempotency: 'none' });
    const { said } = await probe(sandbox.url, ['idempotency']);
    expect(said).toMatchObject({
      again: { gave: 'second' },
      atOnce: { gave: 'second' },
      otherBody: { gave: 'second' },
      jobs: 5,
      problems: [expect.stringContaining('a repetition made a second job: correct submit.idempotency')],
    });
    expect(gapOf(docproc, 'docproc', said.gap)?.status).toBe('Open');
  });

  it('sees that a service ignores the body under a key it knows', async () => {
    const first = new Map<string, string>();
    const server = createServer((request, response) => {
      void (async () => {
        let text = '';
        for await (const chunk of request) text += String(chunk);
        response.setHeader('content-type', 'application/json');
        if (request.method === 'PUT') return response.end('{}');
        const key = String(request.headers['idempotency-key']);
        const { input, reference } = JSON.parse(text) as { input: string; reference: string };
        const job = {
          id: `job-${first.size}`,
          status: 'PROCESSING',
          reference,
          input,
          options: { format: 'text' },
          created_at: '',
          updated_at: '',
          cost_micros: 0,
          result: null,
          error: null,
        };
        const kept = first.get(key) ?? JSON.stringify(job);
        first.set(key, kept);
        return response.writeHead(202).end(kept);
      })();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    closing.push(() => new Promise((done) => server.close(done)));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { said } = await probe(url, ['idempotency'], { auth: 'none' });
    expect(said).toMatchObject({ again: { gave: 'same' }, otherBody: { gave: 'same' }, jobs: 2, problems: [] });
    expect(said.finding).toContain('Another body under it: the first job, whatever the body.');
  });
});

describe('wavescan, without a configuration', () => {
  it('has its own sandbox asked, and each finding has its place in the table', async () => {
    for (const [argv, finding] of [
      [['burst', '--rate', '2'], 'Lists at 1, 2 a second: none throttled.'],
      [['states', '--gap', '1'], 'A sample: queued in the answer, '],
      [['idempotency', '--gap', '4'], 'Another body under it: a conflict (409 ID_TAKEN).'],
    ] as const) {
      const { code, out } = await playbook(['probe', 'wavescan', ...argv, '--project', wavescan.folder]);
      expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining(finding) });
      const number = Number(/Gap (\d+) of wavescan is closed\.\n$/.exec(out)?.[1]);
      expect(gapOf(wavescan, 'wavescan', number)).toMatchObject({
        status: 'Closed',
        finding: expect.stringContaining(finding),
      });
    }
  });
});

describe('a probe', () => {
  const before = (): string => readFileSync(join(docproc.folder, 'integrations/docproc/context-gaps.md'), 'utf8');

  it('of anything but a sandbox on this machine says what it will cost, and needs somebody who agrees', async () => {
    const sandbox = await sandboxWith({ auth: 'none' });
    const config = configFor(sandbox.url, { auth: 'none' }, { environment: 'production' });
    const argv = ['probe', 'docproc', 'idempotency', '--config', config, '--project', docproc.folder, '--dry-run'];
    const refused = await playbook(argv);
    expect(refused).toEqual({
      code: 2,
      out: '',
      err: expect.stringMatching(
        /^At most 5 jobs for docproc in environment production \(127\.0\.0\.1:\d+\), for \$0\.05\. .*\nBAD_USAGE: A real service is asked only when somebody agrees: say --yes\. See `playbook probe --help`\.\n$/,
      ),
    });
    expect(sandbox.requests()).toEqual([]);
    const text = before();
    // A row that is not there is told before anything is sent, also where nothing will be written.
    const nowhere = await playbook([...argv, '--yes', '--gap', '99']);
    expect(nowhere).toMatchObject({ code: 2, err: expect.stringContaining('INVALID_INPUT') });
    expect(sandbox.requests()).toEqual([]);
    expect(await playbook([...argv, '--yes'])).toMatchObject({ code: 0, out: expect.stringContaining('the same job') });
    expect(before()).toBe(text); // --dry-run
  });

  it('asks on a terminal, and sends nothing when the answer is no', async () => {
    const sandbox = await sandboxWith({ auth: 'none' });
    const config = configFor(sandbox.url, { auth: 'none' }, { environment: 'production' });
    const argv = ['probe', 'docproc', 'states', '--config', config, '--project', docproc.folder];
    const answer = async (line: string) => {
      const io = testIo({ columns: 80, stdin: line });
      const code = await runCli(argv, { ...io, stdin: Object.assign(io.stdin, { isTTY: true }) });
      return { code, err: io.err() };
    };
    expect(await answer('n\n')).toEqual({
      code: 2,
      err: expect.stringContaining('Ask it? [y/N] BAD_USAGE: Nothing was'),
    });
    expect(sandbox.requests()).toEqual([]);
    expect(await answer('y\n')).toMatchObject({ code: 0 });
    expect(sandbox.requests({ method: 'POST', accepted: true })).toHaveLength(2);
  });

  it('that is interrupted writes nothing', async () => {
    const { url } = await sandboxWith({ processing: { minMs: 20_000, maxMs: 20_000 } });
    const text = before();
    const io = testIo();
    const argv = ['probe', 'docproc', 'states', '--config', configFor(url, {}), '--project', docproc.folder];
    const ended = runCli(argv, io);
    setTimeout(() => io.ctrlC(), 700);
    expect(await ended).toBe(1);
    expect(io.err()).toBe('Interrupted: nothing is written.\n');
    expect(before()).toBe(text);
  });

  it('whose credentials are refused ends with that one error', async () => {
    const { url } = await sandboxWith();
    const config = configFor(url, {});
    const { code, out, err } = await playbook(
      ['probe', 'docproc', 'burst', '--config', config, '--project', docproc.folder],
      { env: { PLAYBOOK_SANDBOX_CLIENT_SECRET: 'wrong' } },
    );
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^AUTH_FAILED: The probe ended before it knew\. .*\n$/);
  });

  it.each([
    [['docproc', 'bust'], 'There is no probe "bust": burst, states, idempotency. Did you mean burst?'],
    [['docproc', 'states', '--rate', '5'], '--rate is for burst, not states.'],
    [['docproc', 'burst', '--count', '0'], '--count must be a whole number from 1 to 2000 (got "0").'],
    [['docproc', 'states', '--max-wait', 'long'], '--max-wait must be a duration such as 30s'],
    [['docproc', 'burst', '--gap', '99'], 'There is no gap 99. There are: 1, 2, 3'],
    [['docprok', 'burst'], 'There is no folder integrations/docprok. Did you mean docproc?'],
    [['docproc', 'burst', '--config', '/gone.yaml'], '/gone.yaml'],
  ])('refuses %j with one error and sends nothing', async (argv, message) => {
    const { code, out, err } = await playbook(['probe', ...argv, '--project', docproc.folder]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
    expect(err.match(/^[A-Z_]+: /gm)).toHaveLength(1);
  });
});
