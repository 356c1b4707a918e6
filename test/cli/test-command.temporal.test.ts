import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { startSandbox } from '../../src/sandbox/index.ts';
import type { Sandbox, SandboxOptions } from '../../src/sandbox/index.ts';
import type { ConformanceReport } from '../../src/testing/index.ts';
import { testHome } from './helpers/home.ts';
import type { TestHome } from './helpers/home.ts';

const YAML = fileURLToPath(new URL('../../integrations/wavescan/sandbox.yaml', import.meta.url));

describe('playbook test', () => {
  let home: TestHome;
  let sandbox: Sandbox;
  beforeAll(async () => {
    home = await testHome();
    const options = parse(await readFile(YAML, 'utf8')) as SandboxOptions;
    sandbox = await startSandbox({ ...options, processing: { minMs: 20, maxMs: 60 } });
    await writeFile(
      join(home.path, 'wavescan.yaml'),
      `environment: sandbox
service: { base_url: '${sandbox.url}', version: v2, rate_limit: { qps_cap: 10 } }
auth: { type: api_key, header: X-Wavescan-Key, key: env:WAVESCAN_API_KEY }
polling: { initial_ms: 50, max_ms: 400 }
cost: { per_job_usd: 0.002 }`,
    );
  });
  afterAll(async () => {
    await sandbox.close();
    await home.remove();
  });

  it('runs chosen rows on a stack of its own and gives them as JSON', async () => {
    const { code, out } = await home.run(['test', 'wavescan', '--row', 'U1', '--row', 'H1', '--json']);
    const { rows, against } = JSON.parse(out) as ConformanceReport;
    expect({ code, against, rows: rows.map(({ id, status }) => [id, status]) }).toEqual({
      code: 0,
      against: 'sandbox',
      rows: [
        ['U1', 'passed'],
        ['H1', 'passed'],
      ],
    });
  });

  const live = ['test', 'wavescan', '--live', '--config', 'wavescan.yaml'];

  it('--live says what it would do and what that costs, and does nothing unless somebody agrees', async () => {
    const { code, err } = await home.run(live);
    expect(code).toBe(2);
    expect(err).toBe(
      `3 jobs for wavescan in environment sandbox (${new URL(sandbox.url).host}), at most 10 requests per 1 s, for $0.006.\n` +
        'BAD_USAGE: A real service is asked only when somebody agrees: say --yes. See `playbook test --help`.\n',
    );
    expect(sandbox.requests()).toEqual([]);
  });

  it('--live runs what any caller does, through the gate, and says how it went', async () => {
    const { code, out } = await home.run([...live, '--yes', '--layer', 'semantics']);
    expect(out).toMatch(/✓ H1 +semantics +a valid job is COMPLETED[^]*✓ F1[^]*✓ I1[^]*wavescan: 3 passed, 0 failed/);
    expect(code).toBe(0);
    expect(sandbox.requests({ accepted: true })).toHaveLength(3);
  });

  it.each([
    [['test', 'docproc', '--row', 'H9'], '--row must be one of U1,'],
    [['test', 'docproc', '--layer', 'semantic'], 'Did you mean semantics?'],
    [['test', 'docproc', '--yes'], '--config and --yes are for --live'],
    [['test', 'docproc', '--live'], 'docproc has no configuration: name one with --config'],
    [[...live, '--max-cost', '0.001'], '3 jobs cost $0.006, which is above --max-cost $0.001.'],
  ])('%j: exit 2 and one message', async (argv, message) => {
    const { code, err } = await home.run(argv);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});
