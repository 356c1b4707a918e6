import { describe, expect, it } from '@jest/globals';
import { createNoticeActivities } from '../../src/activities/index.ts';
import type { NotificationEvent, Services } from '../../src/activities/index.ts';
import type { RolloutNotice } from '../../src/contracts/rollout-notice.ts';
import { RequestFailed } from '../../src/http/types.ts';
import { fakeContext } from '../helpers/fake-context.ts';
import { scriptedService } from '../helpers/scripted.ts';

const NOTICE: RolloutNotice = {
  service: 'docproc',
  rollout: 'a1b2c3d4-1',
  attempt: 1,
  revision: 7,
  phase: 'aborted',
  stage: '10-percent',
  weightBps: 0,
  actor: 'playbook',
  because: '9 of 40 jobs failed.',
  atMs: 1_800_000_000_000,
};

function lab(notify?: (event: NotificationEvent) => Promise<void>, attempt = 1) {
  const lines: { readonly level: string; readonly text: string }[] = [];
  const runtime = { ...scriptedService({ service: 'docproc' }).runtime, ...(notify === undefined ? {} : { notify }) };
  const services: Services = { has: () => true, get: () => runtime };
  const log = (level: string) => (_fields: unknown, text?: string) => void lines.push({ level, text: text ?? '' });
  const logger = { info: log('info'), warn: log('warn') };
  const activities = createNoticeActivities({ services, logger, context: () => fakeContext({ attempt }) });
  return { lines, notify: () => activities.notify(NOTICE) };
}

const refuses = (status: number, retryAfterMs?: number) => async (): Promise<void> => {
  throw new RequestFailed({
    code: 'SERVICE_UNAVAILABLE',
    retryable: true,
    arrival: 'refused',
    throttled: false,
    status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    message: `The service answered ${status}.`,
  });
};

describe('telling people of a rollout’s step', () => {
  it('is a line in the log and an event that says all of it', async () => {
    const sent: NotificationEvent[] = [];
    const { lines, notify } = lab(async (event) => void sent.push(event));
    expect(await notify()).toBe('delivered');
    expect(lines).toEqual([
      { level: 'info', text: 'Rollout of docproc: aborted, stage 10-percent (0 %). 9 of 40 jobs failed.' },
    ]);
    expect(sent).toEqual([
      { id: 'rollout_a1b2c3d4-1_7', type: 'rollout.aborted', timestamp: '2027-01-15T08:00:00.000Z', data: NOTICE },
    ]);
  });

  it('is a line in the log alone where no receiver is configured', async () => {
    const { lines, notify } = lab();
    expect(await notify()).toBe('unaddressed');
    expect(lines).toHaveLength(1);
  });

  it.each([
    [1, 503, undefined, 1_000],
    [4, 503, undefined, 8_000],
    [40, 503, undefined, 600_000],
    [1, 429, 90_000, 90_000],
  ])('is tried again when attempt %d met %d (Retry-After %s)', async (attempt, status, retryAfterMs, delay) => {
    const { lines, notify } = lab(refuses(status, retryAfterMs), attempt);
    await expect(notify()).rejects.toMatchObject({
      type: 'NOTIFICATION_FAILED',
      message: `The receiver of notifications did not take revision 7: The service answered ${status}.`,
      nonRetryable: false,
      nextRetryDelay: delay,
    });
    expect(lines.filter(({ level }) => level === 'info')).toHaveLength(attempt === 1 ? 1 : 0);
    expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('is over when the receiver says that it is gone', async () => {
    await expect(lab(refuses(410)).notify()).rejects.toMatchObject({ nonRetryable: true });
  });
});
