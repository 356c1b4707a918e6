import { setMaxListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { TokenCache } from '../../../src/http/auth/token-cache.ts';
import type { Grant } from '../../../src/http/auth/token-cache.ts';

const never = new AbortController().signal;
setMaxListeners(0, never);

function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A cache over a token endpoint that answers when told to, on a clock that stands still. */
function setUp(expiresIn: unknown = 3600) {
  const answers: { resolve: (grant: Grant) => void; reject: (error: Error) => void }[] = [];
  const background: unknown[] = [];
  let nowMs = 0;
  let requests = 0;
  const cache = new TokenCache({
    request: () => {
      requests += 1;
      return new Promise((resolve, reject) => {
        answers.push({ resolve, reject });
      });
    },
    now: () => nowMs,
    random: () => 0,
    onBackgroundFailure: (error) => background.push(error),
  });
  return {
    cache,
    background,
    requests: () => requests,
    advance: (ms: number) => {
      nowMs += ms;
    },
    grant: async () => {
      answers.shift()?.resolve({ accessToken: `t${requests}`, expiresIn });
      await settle();
    },
    fail: async (message: string) => {
      answers.shift()?.reject(new Error(message));
      await settle();
    },
    /** The token a request would use now, the endpoint answering at once. */
    async first() {
      const token = cache.get(never);
      await this.grant();
      return token;
    },
  };
}

describe('TokenCache', () => {
  it('asks once for 1,000 callers', async () => {
    const { cache, grant, requests } = setUp();
    const callers = Array.from({ length: 1000 }, () => cache.get(never));
    await grant();
    const tokens = new Set((await Promise.all(callers)).map((token) => token.accessToken));
    expect([...tokens]).toEqual(['t1']);
    expect(requests()).toBe(1);
  });

  it('keeps the token until a fifth of its life is left, then replaces it while serving the old one', async () => {
    const set = setUp(3600);
    await set.first();
    set.advance(2_879_000);
    await set.cache.get(never);
    expect(set.requests()).toBe(1);
    set.advance(1000);
    expect((await set.cache.get(never)).accessToken).toBe('t1');
    expect((await set.cache.get(never)).accessToken).toBe('t1');
    expect(set.requests()).toBe(2);
    await set.grant();
    expect((await set.cache.get(never)).accessToken).toBe('t2');
  });

  it('goes on with a valid token when the refresh fails, saying so, and tries again a second later', async () => {
    const set = setUp(3600);
    await set.first();
    set.advance(2_880_000);
    await set.cache.get(never);
    await set.fail('down');
    expect(set.background).toEqual([new Error('down')]);
    expect((await set.cache.get(never)).accessToken).toBe('t1');
    expect(set.requests()).toBe(2);
    set.advance(1000);
    await set.cache.get(never);
    expect(set.requests()).toBe(3);
  });

  it('waits for a new token once the old one has expired', async () => {
    const set = setUp(3600);
    await set.first();
    set.advance(3_600_000);
    const waiting = set.cache.get(never);
    await set.grant();
    expect((await waiting).accessToken).toBe('t2');
  });

  it('counts the lifetime from before the request', async () => {
    const set = setUp(60);
    const token = set.cache.get(never);
    set.advance(15_000);
    await set.grant();
    expect((await token).expiresAtMs).toBe(60_000);
  });

  it('answers a failure from memory for a second', async () => {
    const set = setUp();
    const failing = [set.cache.get(never), set.cache.get(never)];
    const outcomes = Promise.allSettled(failing);
    await set.fail('down');
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    set.advance(999);
    await expect(set.cache.get(never)).rejects.toThrow(new Error('down'));
    expect(set.requests()).toBe(1);
    set.advance(1);
    expect((await set.first()).accessToken).toBe('t2');
  });

  it('replaces a refused token once, however many requests it was refused to', async () => {
    const set = setUp();
    const { credential } = await set.first();
    expect(Array.from({ length: 50 }, () => set.cache.invalidate(credential))).toEqual(Array(50).fill(true));
    const callers = Array.from({ length: 50 }, () => set.cache.get(never));
    await set.grant();
    expect(new Set((await Promise.all(callers)).map((token) => token.accessToken))).toEqual(new Set(['t2']));
    expect(set.cache.invalidate(credential)).toBe(true);
    expect(set.requests()).toBe(2);
  });

  it('does not replace the replacement when that is refused, too, until half a minute has passed', async () => {
    const set = setUp();
    set.cache.invalidate((await set.first()).credential);
    const second = await set.first();
    expect(set.cache.invalidate(second.credential)).toBe(false);
    expect((await set.cache.get(never)).accessToken).toBe('t2');
    set.advance(30_000);
    expect(set.cache.invalidate(second.credential)).toBe(true);
  });

  it('replaces a replacement that had worked: it was revoked, not refused from the start', async () => {
    const set = setUp();
    const first = await set.first();
    set.cache.invalidate(first.credential);
    const second = await set.first();
    set.cache.confirm(first.credential);
    expect(set.cache.invalidate(second.credential)).toBe(false);
    set.cache.confirm(second.credential);
    expect(set.cache.invalidate(second.credential)).toBe(true);
    expect((await set.first()).accessToken).toBe('t3');
  });

  it('ends one caller’s wait when that caller is cancelled, not the others’', async () => {
    const set = setUp();
    const cancelled = new AbortController();
    const one = set.cache.get(cancelled.signal);
    const other = set.cache.get(never);
    cancelled.abort(new Error('cancelled'));
    await expect(one).rejects.toThrow(new Error('cancelled'));
    await set.grant();
    expect((await other).accessToken).toBe('t1');
    await expect(set.cache.get(cancelled.signal)).rejects.toThrow(new Error('cancelled'));
  });
});
