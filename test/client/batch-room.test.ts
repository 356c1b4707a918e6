import { beforeEach, describe, expect, it } from '@jest/globals';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { createBatchRoom, type BatchRoom } from '../../src/client/batch-room.ts';

type Status = 'RUNNING' | 'COMPLETED' | 'gone';

/** What Temporal knows by id, what visibility shows as running by now, and the requests made. */
let statuses: Map<string, Status>;
let shown: Set<string>;
let asked: string[];
let room: BatchRoom;

const id = (part: number): string => `batch/svc/b/${part}`;
const laggingTemporal = {
  workflow: {
    count: async () => {
      asked.push('count');
      return { count: shown.size };
    },
    async *list() {
      asked.push('list');
      for (const workflowId of shown)
        yield { workflowId, runId: 'r', status: { name: 'RUNNING' }, startTime: new Date(0), raw: {} };
    },
    getHandle: (workflowId: string) => ({
      describe: async () => {
        asked.push(workflowId);
        const name = statuses.get(workflowId);
        if (name === undefined || name === 'gone') throw new WorkflowNotFoundError('gone', workflowId, undefined);
        return { status: { name } };
      },
    }),
  },
} as unknown as Client;

function start(part: number): void {
  statuses.set(id(part), 'RUNNING');
  room.started(part);
}

beforeEach(() => {
  statuses = new Map();
  shown = new Set();
  asked = [];
  room = createBatchRoom(laggingTemporal, { service: 'svc', name: 'b' });
});

describe('the room of a batch', () => {
  it('asks once for what is there, then nobody while what was started fits', async () => {
    expect(await room.hasFewerThan(1)).toBe(true);
    start(0);
    expect(await room.hasFewerThan(2)).toBe(true);
    expect(asked).toEqual(['count', 'list']);
  });

  it('counts parts that visibility does not show yet', async () => {
    start(0);
    start(1);
    expect(await room.hasFewerThan(2)).toBe(false);
    shown.add(id(0));
    expect(await room.hasFewerThan(2)).toBe(false);
    statuses.set(id(1), 'COMPLETED');
    expect(await room.hasFewerThan(2)).toBe(true);
  });

  it('takes the word of visibility that it is full, at one request', async () => {
    start(0);
    shown.add(id(0));
    expect(await room.hasFewerThan(1)).toBe(false);
    expect(asked).toEqual(['count']);
  });

  it('asks for a part that is over once, and counts one that was removed as over', async () => {
    start(0);
    start(1);
    statuses.set(id(0), 'gone');
    expect(await room.hasFewerThan(2)).toBe(true);
    start(2);
    asked = [];
    expect(await room.hasFewerThan(2)).toBe(false);
    expect(asked).toEqual(['count', 'list', id(1), id(2)]);
  });

  it('counts what an earlier feed left open', async () => {
    shown.add(id(7));
    shown.add(id(8));
    expect(await room.hasFewerThan(2)).toBe(false);
    start(0);
    expect(await room.hasFewerThan(3)).toBe(false);
    shown.delete(id(7));
    expect(await room.hasFewerThan(3)).toBe(true);
  });
});
