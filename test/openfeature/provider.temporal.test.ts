import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OpenFeature } from '@openfeature/server-sdk';
import type { Client } from '@openfeature/server-sdk';
import { Client as TemporalClient, Connection } from '@temporalio/client';
import { changeControl, killGate, restoreGate } from '../../src/client/index.ts';
import { createPlaybookProvider } from '../../src/openfeature/index.ts';
import { bucketOf } from '../../src/rules/bucketing.ts';
import { startJobBench, type JobBench } from '../helpers/job-worker.ts';
import { scriptedService } from '../helpers/scripted.ts';
import { unique } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';

const WHY = { actor: 'ana', reason: 'a test' };
const SERVICE = 'flagged';
const FLAG = `integrations.${SERVICE}.enabled`;

describe('the OpenFeature provider', () => {
  let bench: JobBench;
  let flags: Client;
  beforeAll(async () => {
    bench = await startJobBench([scriptedService({ service: SERVICE }).runtime]);
    const domain = unique('flags');
    // Not awaited: a provider that is set is ready at once.
    OpenFeature.setProvider(domain, createPlaybookProvider(bench.temporal, { maxAgeMs: 0 }));
    flags = OpenFeature.getClient(domain);
  });
  afterAll(async () => {
    await OpenFeature.clearProviders();
    await bench.close();
  });
  // The default is true throughout, so that false is never the default.
  const ask = (unit: string | undefined, flag = FLAG) =>
    flags.getBooleanDetails(flag, true, unit === undefined ? {} : { targetingKey: unit });
  const set = (update: 'allow' | 'deny', units: string[]) =>
    changeControl(bench.temporal, SERVICE, update, { ...WHY, units });

  it('answers for a unit by its bucket, as admission does', async () => {
    await changeControl(bench.temporal, SERVICE, 'setWeight', { ...WHY, weightBps: 5_000, stage: 'r:half' });
    const units = Array.from({ length: 40 }, (_, nth) => `unit-${nth}`);
    const answers = await Promise.all(units.map((unit) => flags.getBooleanValue(FLAG, true, { targetingKey: unit })));
    expect(answers).toEqual(units.map((unit) => bucketOf('r1', SERVICE, unit) < 5_000));
    expect(new Set(answers).size).toBe(2);
    const details = await ask('unit-0');
    expect(details).toMatchObject({ reason: 'SPLIT', flagMetadata: { stage: 'r:half' } });
    expect(details.flagMetadata['why']).toMatch(/^Unit "unit-0" is in bucket \d+: (within|beyond) the weight of 5000/);
  });

  it('puts deny before kill, kill before allow, and allow before enabled and weight', async () => {
    await changeControl(bench.temporal, SERVICE, 'setWeight', { ...WHY, weightBps: 0 });
    await set('allow', ['pilot', 'both']);
    await set('deny', ['both']);
    expect(await ask('pilot')).toMatchObject({ value: true, reason: 'TARGETING_MATCH' });
    expect(await ask('both')).toMatchObject({ value: false, reason: 'TARGETING_MATCH' });
    expect(await ask('other')).toMatchObject({ value: false, reason: 'SPLIT' });
    await changeControl(bench.temporal, SERVICE, 'disable', WHY);
    expect(await ask('pilot')).toMatchObject({ value: true, reason: 'TARGETING_MATCH' });
    expect(await ask('other')).toMatchObject({ value: false, reason: 'DISABLED' });
    await killGate(bench.temporal, SERVICE, { ...WHY, atMs: Date.now(), what: 'killed' });
    await until('the kill', async () => !(await ask('pilot')).value);
    expect(await ask('pilot')).toMatchObject({
      value: false,
      reason: 'DISABLED',
      flagMetadata: { why: `${SERVICE} is killed: its gate is shut.` },
    });
    expect((await ask('both')).flagMetadata['why']).toContain('deny list');
    await restoreGate(bench.temporal, SERVICE, { ...WHY, atMs: Date.now(), what: 'restored' });
    await until('the restoration', async () => (await ask('pilot')).value);
  });

  it('is false, never the default, on any error', async () => {
    expect(await ask(undefined)).toMatchObject({ value: false, reason: 'ERROR' });
    expect(await ask('')).toMatchObject({ value: false, reason: 'ERROR' });
    expect(await ask('acme', 'integrations.flagged')).toMatchObject({
      value: false,
      flagMetadata: { why: 'There is no flag integrations.flagged: use integrations.<service>.enabled.' },
    });
    expect(await ask('acme', 'integrations.unheard-of.enabled')).toMatchObject({ value: false, reason: 'DISABLED' });
    const connection = Connection.lazy({ address: '127.0.0.1:9' });
    const away = createPlaybookProvider(new TemporalClient({ connection }), { timeoutMs: 300 });
    const domain = unique('flags');
    OpenFeature.setProvider(domain, away);
    expect(await OpenFeature.getClient(domain).getBooleanDetails(FLAG, true, { targetingKey: 'acme' })).toMatchObject({
      value: false,
      reason: 'ERROR',
      flagMetadata: { why: expect.stringContaining('Temporal does not answer') },
    });
    // The second of its two readings is still being tried again.
    await new Promise((next) => setTimeout(next, 1_000));
    await connection.close();
  });

  it('leaves flags of other types to their defaults', async () => {
    expect(await flags.getStringDetails(FLAG, 'x')).toMatchObject({ value: 'x', errorCode: 'TYPE_MISMATCH' });
    expect(await flags.getNumberDetails(FLAG, 7)).toMatchObject({ value: 7, errorCode: 'TYPE_MISMATCH' });
    expect(await flags.getObjectDetails(FLAG, {})).toMatchObject({ errorCode: 'TYPE_MISMATCH' });
  });

  it('asks the server once a second at most', async () => {
    let [now, reads] = [0, 0];
    const nothing = (): void => undefined;
    const silent = { error: nothing, warn: nothing, info: nothing, debug: nothing };
    const counting = new Proxy(bench.temporal, {
      get: (target, name) => {
        if (name === 'withDeadline') reads += 1;
        return Reflect.get(target, name) as unknown;
      },
    });
    const provider = createPlaybookProvider(counting, { nowMs: () => now });
    const evaluate = () => provider.resolveBooleanEvaluation(FLAG, true, { targetingKey: 'acme' }, silent);
    await Promise.all([evaluate(), evaluate(), evaluate()]);
    expect(reads).toBe(1);
    now = 1_000;
    await evaluate();
    expect(reads).toBe(2);
  });
});
