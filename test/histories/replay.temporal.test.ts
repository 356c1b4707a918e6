import { readdirSync, readFileSync } from 'node:fs';
import { defaultPayloadConverter } from '@temporalio/common';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import type { ReplayWorkerOptions } from '@temporalio/worker';
import { TRACE_HEADER } from '../../src/contracts/trace.ts';
import { bundleOptions } from '../../src/workers/bundles.ts';
import { HISTORIES, readHistory } from '../helpers/histories.ts';
import { workflowBundlePath } from '../helpers/temporal.ts';

const names = readdirSync(HISTORIES)
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.replace(/\.json$/, ''));
const load = (name: string) => readHistory(readFileSync(`${HISTORIES}${name}.json`, 'utf8'));

let options: ReplayWorkerOptions;
beforeAll(async () => {
  // In a coverage run the shared bundle is instrumented, and instrumented code is not what runs in production.
  options = {
    sinks: { playbookTrace: { ended: { fn: () => undefined } } },
    workflowBundle:
      process.env['WORKFLOW_COVERAGE'] === '1'
        ? await bundleWorkflowCode({ logger: new DefaultLogger('WARN'), ...bundleOptions({ encrypting: false }) })
        : { codePath: workflowBundlePath() },
  };
});

describe('today’s code', () => {
  it.each(names)('replays %s', async (name) => {
    await expect(Worker.runReplayHistory(options, load(name), name)).resolves.toBeUndefined();
  });

  it.each(names)('replays %s as part of a trace: traces are switched on and off while jobs are under way', async (name) => {
    const history = load(name);
    const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const header = { fields: { [TRACE_HEADER]: defaultPayloadConverter.toPayload({ traceparent }) } };
    if (started) started.header = header;
    await expect(Worker.runReplayHistory(options, history, name)).resolves.toBeUndefined();
  });

  it('has a history of every path a job can take', () => {
    expect(names).toEqual(
      expect.arrayContaining([
        'canceled-before-sent',
        'canceled-during-submit',
        'canceled-while-waiting',
        'completed-by-polling',
        'completed-by-webhook',
        'deadline-maybe-sent',
        'deadline-never-sent',
        'deadline-while-waiting',
        'refused',
        'webhook-before-acceptance',
      ]),
    );
  });

  it('does not replay a history in which another activity was called: replay would notice', async () => {
    const history = load('completed-by-polling');
    const scheduled = history.events.find(
      ({ activityTaskScheduledEventAttributes: activity }) => activity?.activityType?.name === 'pollJob',
    );
    if (!scheduled?.activityTaskScheduledEventAttributes) throw new Error('The history has no poll.');
    scheduled.activityTaskScheduledEventAttributes.activityType = { name: 'somethingElse' };
    await expect(Worker.runReplayHistory(options, history, 'tampered')).rejects.toThrow(/Nondeterminism/);
  });
});
