import { describe, expect, it } from '@jest/globals';
import type { WebhookHint } from '../../src/contracts/jobs.ts';
import type { Integration } from '../../src/definition/index.ts';
import type { OutboundRequest } from '../../src/http/types.ts';
import { createListSweep } from '../../src/workers/gate/list-sweep.ts';
import { gated } from './lab/gated.ts';

const SIGNAL = new AbortController().signal;
const NOW_MS = Date.parse('2026-01-01T12:00:00Z');

interface Listed {
  readonly id: string;
  readonly status: string;
  readonly reference: string | null;
}

/** A sweep of pages of jobs; `pages` may be changed between passes. */
function sweeping(integration: Integration, pages: Listed[][], headers: Record<string, string> = {}) {
  const world = { pages, told: [] as [string, WebhookHint][], failing: false };
  const asked: OutboundRequest[] = [];
  const sweep = createListSweep({
    integration,
    client: {
      close: async () => undefined,
      send: async (request) => {
        asked.push(request);
        const page = Number(request.query?.['cursor'] ?? 0);
        const next = page + 1 < world.pages.length ? String(page + 1) : null;
        return {
          status: 200,
          headers,
          bytes: new Uint8Array(),
          elapsedMs: 1,
          json: { data: (world.pages[page] ?? []).map((job) => ({ ...job, result: {} })), next_cursor: next },
        };
      },
    },
    tell: async (workflowId, hint) => {
      if (world.failing) throw new Error('Temporal is away');
      world.told.push([workflowId, hint]);
    },
    nowMs: () => NOW_MS,
  });
  if (sweep === undefined) throw new Error('no sweep');
  return { sweep, world, asked, since: () => asked.map(({ query }) => query?.['updated_after']) };
}

const DONE: Listed = { id: 'x1', status: 'COMPLETED', reference: 'k1~1' };

describe('the sweep of a list', () => {
  it('pages through it as reads and tells each of our jobs that is over, once', async () => {
    const { sweep, world, asked } = sweeping(gated, [
      [DONE, { id: 'x2', status: 'PROCESSING', reference: 'k2~1' }],
      [DONE, { id: 'x3', status: 'FAILED', reference: 'k3~2' }],
      [
        { id: 'x4', status: 'COMPLETED', reference: null },
        { id: 'x5', status: 'COMPLETED', reference: 'somebody else' },
        { id: 'x6', status: 'UNHEARD_OF', reference: 'k6~1' },
      ],
    ]);
    await sweep.pass(SIGNAL);
    expect(asked.map(({ kind, query }) => [kind, query?.['cursor'], query?.['limit']])).toEqual([
      ['list', undefined, 100],
      ['list', '1', 100],
      ['list', '2', 100],
    ]);
    expect(world.told.map(([workflowId, { state, generation }]) => [workflowId, state, generation])).toEqual([
      ['gated/k1', 'COMPLETED', 1],
      ['gated/k3', 'FAILED', 2],
    ]);
    await sweep.pass(SIGNAL);
    expect(world.told).toHaveLength(2);
  });

  it('leaves it to the job to fetch a result that a listed job may lack, and says outright what needs none', async () => {
    const { sweep, world } = sweeping(gated, [[DONE, { id: 'x3', status: 'CANCELED', reference: 'k3~1' }]]);
    await sweep.pass(SIGNAL);
    expect(world.told.map(([, { observation, swept }]) => [observation?.state, swept])).toEqual([
      [undefined, true],
      ['CANCELED', true],
    ]);
  });

  it('passes the result on where listed jobs are declared whole', async () => {
    const whole = { ...gated, list: { ...gated.list, isWhole: true } } as unknown as Integration;
    const { sweep, world } = sweeping(whole, [[DONE]]);
    await sweep.pass(SIGNAL);
    expect(world.told[0]?.[1].observation).toEqual({ state: 'COMPLETED', word: 'COMPLETED', result: {} });
  });

  it('goes on from the time the service said it was, and first looks back a quarter of an hour', async () => {
    const { sweep, since } = sweeping(gated, [[]], { date: 'Thu, 01 Jan 2026 11:59:30 GMT' });
    await sweep.pass(SIGNAL);
    await sweep.pass(SIGNAL);
    expect(since()).toEqual(['2026-01-01T11:45:00.000Z', '2026-01-01T11:59:28.000Z']);
  });

  it('allows a minute for clocks that differ where the service tells no time, or where nothing had to be read', async () => {
    const { sweep, since } = sweeping(gated, [[]]);
    sweep.skip();
    await sweep.pass(SIGNAL);
    await sweep.pass(SIGNAL);
    expect(since()).toEqual(['2026-01-01T11:59:00.000Z', '2026-01-01T11:59:00.000Z']);
  });

  it('begins again where it was when a job could not be told', async () => {
    const { sweep, world, since } = sweeping(gated, [[DONE]], {
      date: 'Thu, 01 Jan 2026 12:00:00 GMT',
    });
    world.failing = true;
    await expect(sweep.pass(SIGNAL)).rejects.toThrow('Temporal is away');
    world.failing = false;
    await sweep.pass(SIGNAL);
    expect(since()).toEqual(['2026-01-01T11:45:00.000Z', '2026-01-01T11:45:00.000Z']);
    expect(world.told).toHaveLength(1);
  });

  it('does not exist without a list', () => {
    const { list: _list, ...rest } = gated;
    const deps = { client: undefined as never, tell: async () => undefined, nowMs: () => 0 };
    expect(createListSweep({ ...deps, integration: rest })).toBeUndefined();
  });
});
