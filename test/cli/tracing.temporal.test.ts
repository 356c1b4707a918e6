import { SpanKind, trace } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import { connectToTemporal, createPlaybookClient } from '../../src/client/index.ts';
import { startTracing } from '../../src/tracing/index.ts';
import { startCollector } from '../helpers/collector.ts';
import type { CollectedSpan } from '../helpers/collector.ts';
import { enable } from '../helpers/enable.ts';
import { sharedAddress, unique } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';
import { startDeployed } from './helpers/deployed.ts';
import type { Deployed } from './helpers/deployed.ts';

let collector: Awaited<ReturnType<typeof startCollector>>;
let deployed: Deployed;

beforeAll(async () => {
  collector = await startCollector();
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '100',
    PLAYBOOK_LOG_LEVEL: 'debug',
  };
  Object.assign(process.env, env);
  deployed = await startDeployed(env);
});

afterAll(async () => {
  await deployed?.close();
  await collector.close();
});

describe('a traced caller', () => {
  it('finds its job, every request to the service and the webhook in its own trace; log lines name it', async () => {
    const tracing = startTracing('a caller', '1.0.0');
    const { client, close } = await connectToTemporal({
      address: sharedAddress(),
      namespace: deployed.stack.namespace,
    });
    await enable(deployed.stack.temporal, ['docproc']);
    const input = await deployed.stack.document('note.txt', 'Grüße');
    const key = unique('traced');
    const root = await trace.getTracer('test').startActiveSpan('a request', { kind: SpanKind.SERVER }, async (span) => {
      const job = await createPlaybookClient(client).start(docproc, input, { key });
      expect(await job.result({ maxWaitMs: 30_000 })).toMatchObject({ state: 'COMPLETED' });
      span.end();
      return span.spanContext();
    });
    await close();
    await tracing.close();

    const names = () => collector.spans.filter(({ traceId }) => traceId === root.traceId).map(({ name }) => name);
    await until('the webhook and the result are traced', () =>
      ['HandleSignal:webhook', 'webhook docproc', 'POST docproc submit', 'RunWorkflow:externalJob'].every((name) =>
        names().includes(name),
      ),
    );
    const spans = collector.spans.filter(({ traceId }) => traceId === root.traceId);
    const span = (name: string): CollectedSpan | undefined => spans.find((each) => each.name === name);
    const parentOf = (name: string): string | undefined =>
      spans.find(({ spanId }) => spanId === span(name)?.parentSpanId)?.name;
    expect(span('a request')).toMatchObject({ process: 'a caller', spanId: root.spanId });
    expect(parentOf('StartWorkflow:externalJob')).toBe('a request');
    expect(parentOf('RunWorkflow:externalJob')).toBe('StartWorkflow:externalJob');
    expect(parentOf('RunActivity:submitJob')).toBe('RunWorkflow:externalJob');
    expect(parentOf('POST docproc submit')).toBe('RunActivity:submitJob');
    expect(span('POST docproc submit')).toMatchObject({
      process: 'playbook-worker',
      attributes: { 'http.response.status_code': 202, 'server.address': '127.0.0.1' },
    });
    expect(parentOf('webhook docproc')).toBe('POST docproc submit');
    expect(span('webhook docproc')).toMatchObject({
      process: 'playbook-webhooks',
      attributes: { temporalWorkflowId: `docproc/${key}`, 'playbook.webhook.outcome': 'accepted' },
    });
    expect(parentOf('HandleSignal:webhook')).toBe('SignalWorkflow:webhook');

    const lines = deployed.worker
      .out()
      .split('\n')
      .filter((line) => line.includes('"msg":"Request answered"') && line.includes(key))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['upload', 'submit', 'poll']));
    for (const line of lines) {
      expect(line).toMatchObject({ workflowId: `docproc/${key}`, jobId: `${key}~1`, traceId: root.traceId });
      expect(line['requestId']).toMatch(/#(?:submit-1|poll|fetch|glance-\d+)\.\d+$/);
    }
  });
});
