import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { logContext, withLogContext } from '../../src/logging/log-context.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { createRedactor } from '../../src/logging/redactor.ts';

describe('a log line', () => {
  it('says what it belongs to, across awaits, and redacted like all else', async () => {
    const lines: Record<string, unknown>[] = [];
    const redactor = createRedactor();
    redactor.learn('a-secret-key-of-a-caller');
    const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
    const logger = createLogger({ redactor, pretty: false, destination });
    logger.info('outside');
    await Promise.all([
      withLogContext({ workflowId: 'docproc/a', jobId: 'a~1' }, async () => {
        await sleep(5);
        withLogContext({ requestId: 'docproc/a#poll.2' }, () => logger.info('inside'));
      }),
      withLogContext({ workflowId: 'docproc/a-secret-key-of-a-caller' }, async () => {
        await sleep(5);
        logger.info('another');
      }),
    ]);
    expect(lines.map(({ time: _time, level: _level, ...rest }) => rest)).toEqual([
      { msg: 'outside' },
      { msg: 'inside', workflowId: 'docproc/a', jobId: 'a~1', requestId: 'docproc/a#poll.2' },
      { msg: 'another', workflowId: 'docproc/[redacted]' },
    ]);
    expect(logContext()).toEqual({});
  });
});
