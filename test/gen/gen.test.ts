import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import { generate } from '../../src/cli/actions/gen.ts';
import { bringUpToDate, findOutdated } from '../../src/cli/compose/generated-files.ts';
import type { Integration } from '../../src/definition/index.ts';
import { GENERATORS } from '../../src/gen/index.ts';
import { setPart } from '../../src/gen/parts.ts';
import { playbook, testIo } from '../cli/helpers/test-io.ts';
import { ROOT } from '../docs/markdown.ts';

const SERVICE_FOLDER = join('integrations', 'docproc');
const DOCUMENTS = ['README.md', 'RUNBOOK.md', 'config.example.yaml', 'diagrams', 'schemas'];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'playbook-gen-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A copy of docproc's documents, to be written to. */
let root: string;
let copies = 0;
beforeEach(async () => {
  copies += 1;
  root = join(folder, String(copies));
  for (const name of DOCUMENTS) {
    await cp(join(ROOT, SERVICE_FOLDER, name), join(root, SERVICE_FOLDER, name), { recursive: true });
  }
  for (const name of ['prometheus', 'grafana']) {
    await cp(join(ROOT, 'ops', name), join(root, 'ops', name), { recursive: true });
  }
});

const pathOf = (name: string): string => join(root, SERVICE_FOLDER, name);
const textOf = (name: string): Promise<string> => readFile(pathOf(name), 'utf8');
async function edit(name: string, from: string, to: string): Promise<void> {
  const text = await textOf(name);
  expect(text).toContain(from);
  await writeFile(pathOf(name), text.replace(from, to));
}

async function gen(options: { check?: boolean; json?: boolean; only?: readonly string[] } = {}) {
  const io = testIo();
  const { check = false, json = false, only = [] } = options;
  const code = await generate(io, { path: ['gen'], service: 'docproc', check, json, only, root });
  return { code, out: io.out(), err: io.err() };
}

const problemsOf = async (changed: Integration): Promise<readonly (readonly [string, string])[]> => {
  const found = await findOutdated(root, changed, GENERATORS);
  return found.map(({ path, parts, problem }) => [
    `${path.replace(`${SERVICE_FOLDER}/`, '')} ${parts.join(' ')}`.trim(),
    problem,
  ]);
};

describe('playbook gen', () => {
  it('finds every shipped integration up to date', async () => {
    const { code, out, err } = await playbook(['gen', '--check']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('docproc is up to date.\n');
  });

  it('writes what is missing or changed, removes what is left over, and nothing more', async () => {
    const before = await Promise.all(['README.md', 'RUNBOOK.md'].map(textOf));
    await edit('README.md', '| a job                | $0.01', '| a job                | $0.99');
    await edit('README.md', '# docproc integration', '# Our own words: docproc');
    await writeFile(pathOf('schemas/job-request-v3.4.1.json'), '{}');
    await rm(pathOf('schemas/result-v3.4.2.json'));

    const checked = await gen({ check: true });
    expect(checked.code).toBe(1);
    expect(checked.out).toMatch(/result-v3\.4\.2\.json is missing\n/);
    expect(checked.out).toMatch(/job-request-v3\.4\.1\.json is left over: nothing generates it\n/);
    expect(checked.out).toMatch(/README\.md \(cost\) differs from line \d+ on\n/);
    expect(checked.err).toBe('docproc is not up to date. Run `playbook gen docproc`.\n');

    const written = await gen();
    expect(written).toEqual({
      code: 0,
      err: '',
      out: [
        'wrote    integrations/docproc/schemas/result-v3.4.2.json',
        'removed  integrations/docproc/schemas/job-request-v3.4.1.json',
        'wrote    integrations/docproc/README.md (cost)',
        '',
      ].join('\n'),
    });
    const after = await Promise.all(['README.md', 'RUNBOOK.md'].map(textOf));
    expect(after).toEqual([before[0]?.replace('# docproc integration', '# Our own words: docproc'), before[1]]);
    expect(await gen({ check: true, json: true })).toEqual({
      code: 0,
      err: '',
      out: '{"service":"docproc","upToDate":true,"files":[]}\n',
    });
  });

  it('leaves a document without markers alone and says what to add', async () => {
    await edit('RUNBOOK.md', '<!-- /gen:alerts -->', '');
    await rm(pathOf('diagrams'), { recursive: true });
    const before = await textOf('RUNBOOK.md');
    const { code, out, err } = await gen();
    expect(code).toBe(1);
    expect(out).toContain('RUNBOOK.md (alerts) needs, once and in this order, the lines `<!-- gen:alerts (');
    expect(out).toContain('state-and-sequence.md (states) is missing: write it, with the lines `<!-- gen:states (');
    expect(err).toBe('docproc is not up to date.\n');
    expect(await textOf('RUNBOOK.md')).toBe(before);
    const json = await gen({ json: true, only: ['runbook'] });
    expect(JSON.parse(json.out)).toMatchObject({ upToDate: false, files: [{ parts: ['alerts'], written: false }] });
  });

  it('says which generators there are, and where the example configuration should be', async () => {
    await expect(gen({ only: ['schema'] })).rejects.toThrow(
      'There is no generator "schema". Did you mean schemas? Known: schemas, diagram, readme, runbook',
    );
    await rm(pathOf('config.example.yaml'));
    await expect(gen()).rejects.toThrow(/config\.example\.yaml is missing: documents of docproc are generated from it/);
  });

  it('follows the definition: each kind of change shows in the documents it concerns', async () => {
    const differs = expect.stringMatching(/^differs from line \d+ on$/);
    const { webhook: _none, upload: _neither, ...plain } = docproc;
    expect(await problemsOf({ ...docproc, states: { ...docproc.states, DONE: 'COMPLETED' } })).toEqual([
      ['diagrams/state-and-sequence.md states words', differs],
    ]);
    expect(await problemsOf({ ...docproc, result: z.object({ text: z.string() }) })).toEqual([
      ['schemas/result-v3.4.2.json', differs],
      ['README.md classified', differs],
    ]);
    expect(await problemsOf({ ...plain, errors: [] } as Integration)).toEqual([
      ['schemas/webhook-v3.4.2.json', 'is left over: nothing generates it'],
      ['README.md limits classified', differs],
      ['RUNBOOK.md alerts incidents errors', differs],
      [join('ops', 'prometheus', 'rules', 'docproc.yaml'), differs],
    ]);
    const none = { ...docproc, submit: { ...docproc.submit, idempotency: { kind: 'none' } as const } };
    expect(await problemsOf(none)).toEqual([
      ['README.md limits', differs],
      ['RUNBOOK.md errors', differs],
    ]);
  });

  it('reads the rollout plan and the configuration', async () => {
    await writeFile(
      pathOf('rollout.yaml'),
      'stages: [{ name: all, weightBps: 10000 }]\nwatchers: [{ metric: latency, percentile: 0.99, objectiveMs: 90s, abortMs: 3m }]\n',
    );
    await edit('config.example.yaml', 'qps_cap: 8', 'qps_cap: 5\n    burst: 2\n    concurrency: 3');
    await edit('config.example.yaml', '  per_job_usd: 0.01\n  tags:\n    team: documents\n', '  tags: {}\n');
    await edit('config.example.yaml', 'grace_ms: 10000', 'grace_ms: 0');
    expect((await gen()).code).toBe(0);
    const [readme, runbook] = [await textOf('README.md'), await textOf('RUNBOOK.md')];
    expect(readme).toContain('5 in a sliding window of 1 s, 2 at once, 3 under way');
    expect(readme).toMatch(/\| a job +\| \$0\.01 +\| definition/);
    expect(readme).toContain('unit only');
    expect(readme).toContain('at once; then 1 s');
    expect(runbook).toContain('P99 of the time a job takes is above 90 s, for 10 min');
    expect(runbook).not.toContain('CostPerJob');
  });

  it('shows an integration whose every field is harmless, and rules without a status', async () => {
    const open = z.object({ id: z.string() });
    const harmless = {
      ...docproc,
      result: open,
      submit: { ...docproc.submit, response: open },
      status: { ...docproc.status, response: open },
      webhook: { ...docproc.webhook, payload: open },
      errors: [
        { code: 'CONFLICT', retryable: true },
        { status: [408, 425], code: 'SERVICE_TIMEOUT', retryable: true, throttled: true },
      ],
    } as unknown as Integration;
    await bringUpToDate(root, await findOutdated(root, harmless, GENERATORS));
    expect(await textOf('README.md')).toContain('No field is classified.');
    expect(await textOf('RUNBOOK.md')).toMatch(
      /docproc: any answer +\| `CONFLICT`: repeated by itself[^]*docproc: 408 or 425 +\| `SERVICE_TIMEOUT`: waits/,
    );
  });
});

describe('setPart', () => {
  const [begin, end] = ['<!-- gen:a (by hand) -->', '<!-- /gen:a -->'];

  it('changes what is between the markers and not one byte outside', () => {
    const text = `before ${begin}\nold\n${end} after\n\n`;
    expect(setPart(text, 'a', 'new')).toBe(`before ${begin}\n\nnew\n\n${end} after\n\n`);
    expect(setPart(`<!-- gen:a -->${end}`, 'a', 'x')).toBe(`<!-- gen:a -->\n\nx\n\n${end}`);
  });

  it.each([
    ['no markers', ''],
    ['only one', begin],
    ['two of them', `${begin}${end}${begin}${end}`],
    ['the wrong order', `${end}${begin}`],
    ['markers of another part', `<!-- gen:ab -->${end}`],
  ])('refuses a document with %s', (_, text) => {
    expect(setPart(text, 'a', 'x')).toBeUndefined();
  });
});
