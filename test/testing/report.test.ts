import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { caseLine, summaryLines } from '../../src/cli/output/conformance-text.ts';
import {
  conformance,
  isConformant,
  LAYERS,
  loadSubject,
  MATRIX,
  registerConformance,
  writeReport,
} from '../../src/testing/index.ts';
import type { ConformanceReport, RowReport, TestRunner } from '../../src/testing/index.ts';

const INTEGRATIONS = fileURLToPath(new URL('../../integrations', import.meta.url));
const subjectOf = (service: string) => loadSubject(service, { documents: INTEGRATIONS, code: INTEGRATIONS });

const row = (more: Partial<RowReport> = {}): RowReport => ({
  id: 'H1',
  layer: 'semantics',
  title: 'it works',
  status: 'passed',
  ms: 1_234,
  ...more,
});
const report = (more: Partial<ConformanceReport> = {}): ConformanceReport => ({
  service: 'docproc',
  contractVersion: '3.4.2',
  at: '2026-01-01T00:00:00.000Z',
  against: 'sandbox',
  rows: [row(), row({ id: 'W1', status: 'not-applicable', why: 'no webhooks' })],
  coverage: { percent: 100, items: [{ name: 'endpoint submit', exercised: true }] },
  ...more,
});

describe('the matrix', () => {
  it('has the rows of the guide and what else matters, each with an id of its own, in every layer', () => {
    const ids = MATRIX.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(['H1', 'E1', 'R1', 'S1', 'W1', 'S2', 'W2', 'W3', 'W4', 'X1', 'D1']));
    expect(ids).toEqual(expect.arrayContaining(['P1', 'K1', 'T1', 'A1', 'C2', 'C3']));
    expect(new Set(MATRIX.map(({ layer }) => layer))).toEqual(new Set(LAYERS));
  });

  it('says of each row why a definition has nothing to try', async () => {
    const { integration, ...subject } = await subjectOf('docproc');
    const whys = (change: Partial<typeof integration>, samples = subject.samples) => {
      const changed = { ...subject, samples, integration: { ...integration, ...change } };
      const { cases } = conformance(changed, () => Promise.reject(new Error('no server here')));
      return Object.fromEntries(
        cases.flatMap(({ id, notApplicable }) => (notApplicable === undefined ? [] : [[id, notApplicable]])),
      );
    };
    expect(whys({})).toEqual({});
    const { cancel: _cancel, list: _list, lookup: _lookup, errors: _errors, webhook: _webhook, ...least } = integration;
    const { failing: _failing, ...completing } = subject.samples;
    const bare = { ...least, submit: { ...integration.submit, idempotency: { kind: 'none' as const } } };
    const { cases } = conformance({ ...subject, samples: completing, integration: bare }, () =>
      Promise.reject(new Error('no')),
    );
    const found = new Map(cases.map(({ id, notApplicable }) => [id, notApplicable]));
    for (const [id, why] of [
      ['S1', 'a submit cannot be repeated safely'],
      ['S3', 'a submit cannot be repeated safely'],
      ['S4', 'a repeated submit is answered as the first was, and there is no search'],
      ['S5', 'the definition has no error rules'],
      ['F1', 'its samples name no job that fails'],
      ['X1', 'the service offers no way to cancel a job'],
      ['P1', 'the service offers no list'],
      ['W1', 'the definition has no webhooks'],
      ['H1', undefined],
      ['S2', undefined],
    ] as const)
      expect([id, found.get(id)]).toEqual([id, why]);
    const putId = { ...integration.submit, idempotency: { kind: 'put-id' as const, lifetimeMs: 1 } };
    expect(whys({ submit: putId })).not.toHaveProperty('S4');
  });

  it('is registered with a test runner by layer, and is not covered before it ran', async () => {
    const names: string[] = [];
    const ends: (() => Promise<void>)[] = [];
    const tests = new Map<string, () => Promise<void>>();
    const runner: TestRunner = {
      describe: (name, register) => {
        names.push(name);
        register();
      },
      it: (name, run) => void tests.set(name, run),
      afterAll: (run) => void ends.push(run),
    };
    const { integration, ...subject } = await subjectOf('docproc');
    const { webhook: _webhook, ...polled } = integration;
    const matrix = conformance({ ...subject, integration: polled }, () => Promise.reject(new Error('no server here')));
    let kept: ConformanceReport | undefined;
    registerConformance(matrix, runner, async () => {
      kept = matrix.report();
    });
    expect(names).toEqual(['the conformance of docproc', ...LAYERS]);
    const w1 = 'W1: not applicable, the definition has no webhooks';
    await tests.get(w1)?.();
    await expect(tests.get('H1: a valid job is COMPLETED with a result that fits')?.()).rejects.toThrow(
      'no server here',
    );
    await expect(tests.get('everything the definition says was exercised')?.()).rejects.toThrow('nothing ran');
    await ends[0]?.().catch(() => undefined);
    const statuses = new Map(kept?.rows.map(({ id, status }) => [id, status]));
    expect([statuses.get('W1'), statuses.get('H1'), statuses.get('H2')]).toEqual([
      'not-applicable',
      'failed',
      'not-run',
    ]);
  });
});

describe('a report', () => {
  it('is good when every row that applies passed and all was exercised', () => {
    expect(isConformant(report())).toBe(true);
    expect(isConformant(report({ rows: [row({ status: 'failed' })] }))).toBe(false);
    expect(isConformant(report({ rows: [row({ status: 'not-run' })] }))).toBe(false);
    const items = [{ name: 'word done → COMPLETED', exercised: false }];
    expect(isConformant(report({ coverage: { percent: 0, items } }))).toBe(false);
    const { coverage: _coverage, ...live } = report({ against: 'live' });
    expect(isConformant(live)).toBe(true);
  });

  it('is written whole under the service’s name, a live one apart', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'reports-'));
    try {
      const path = await writeReport(report(), join(folder, 'deep'));
      await writeReport(report({ against: 'live' }), join(folder, 'deep'));
      expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(report());
      expect((await readdir(join(folder, 'deep'))).toSorted()).toEqual(['docproc.json', 'docproc.live.json']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('reads as lines', () => {
    expect(caseLine(row({ figures: { p95Ms: 12 } }))).toBe(
      `✓ H1  semantics      it works (1.2 s)\n${' '.repeat(21)}p95Ms 12`,
    );
    expect(caseLine(row({ status: 'failed', why: 'the job ended FAILED' }))).toContain('the job ended FAILED');
    const items = [{ name: 'word done → COMPLETED', exercised: false }];
    const rows = [row(), row({ status: 'failed' }), row({ status: 'not-run' }), row({ status: 'not-applicable' })];
    expect(summaryLines(report({ rows, coverage: { percent: 0, items } }), '/x.json')).toEqual([
      '',
      'docproc: 1 passed, 1 failed, 1 not applicable, 1 not run',
      'Semantic contract coverage: 0 % of 1 (endpoints, words, transitions, error rules, events)',
      '  never exercised: word done → COMPLETED',
      'Report: /x.json',
    ]);
  });
});

describe('a subject', () => {
  it('needs an integration and its samples', async () => {
    await expect(subjectOf('docprok')).rejects.toMatchObject({ code: 'UNKNOWN_SERVICE' });
    const { samples, sandbox } = await subjectOf('wavescan');
    expect(samples.failing).toMatchObject({ code: 'NOT_WAV' });
    expect(sandbox.shape).toMatchObject({ name: 'wavescan' });
  });
});
