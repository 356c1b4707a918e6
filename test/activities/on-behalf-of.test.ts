import { describe, expect, it } from '@jest/globals';
import { onBehalfOf } from '../../src/activities/on-behalf-of.ts';
import type { OutboundRequest } from '../../src/http/types.ts';
import { scriptedService } from '../helpers/scripted.ts';

describe('requests on behalf of a unit', () => {
  it('say who they are for, and go through the same client', async () => {
    const { runtime } = scriptedService({ service: 'scripted' });
    const sent: OutboundRequest[] = [];
    const send: typeof runtime.client.send = async (request, signal) => {
      sent.push(request);
      return runtime.client.send(request, signal);
    };
    const owned = onBehalfOf(
      { ...runtime, client: { ...runtime.client, send } },
      { unit: 'tenant-7', tags: { team: 'a' } },
    );
    const request = { kind: 'poll', method: 'GET', path: '/jobs/x-k~1', repeatable: true } as const;
    await owned.client.send(request, new AbortController().signal);
    await onBehalfOf({ ...runtime, client: { ...runtime.client, send } }, {}).client.send(
      request,
      new AbortController().signal,
    );
    expect(sent.map(({ owner }) => owner)).toEqual([{ unit: 'tenant-7', tags: { team: 'a' } }, {}]);
    expect(owned.integration).toBe(runtime.integration);
  });
});
