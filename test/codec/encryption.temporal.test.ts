import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import {
  createCodecServer,
  createEncryptionCodec,
  encryptingDataConverter,
  parseCodecKeys,
} from '../../src/codec/index.ts';
import { EXTERNAL_JOB_WORKFLOW } from '../../src/contracts/messages.ts';
import { createPlaybookClient } from '../../src/client/index.ts';
import { connectToServer, unique } from '../helpers/temporal.ts';
import type { TestServer } from '../helpers/temporal.ts';
import { until } from '../helpers/until.ts';

const CANARY = 'c4nary-of-the-codec';
const UI = 'http://localhost:8233';

let server: TestServer;
beforeAll(async () => {
  server = await connectToServer();
});
afterAll(() => server.close());

/** What listing jobs without a key comes to, once visibility has them. */
async function listing(client: Client): Promise<unknown> {
  let error: unknown;
  await until('the list has an encrypted job', async () => {
    try {
      for await (const job of createPlaybookClient(client).list()) expect(job.key).not.toBe('k');
    } catch (thrown) {
      error = thrown;
    }
    return error !== undefined;
  });
  return error;
}

it('leaves neither input nor failure of a workflow readable on the server, and the Web UI can decode them', async () => {
  const key = randomBytes(32).toString('hex');
  const codec = createEncryptionCodec({ keys: parseCodecKeys('k1=env:KEY'), resolve: async () => key });
  const dataConverter = encryptingDataConverter(codec);
  const client = new Client({ connection: server.client.connection, dataConverter });
  const taskQueue = unique('codec');
  const worker = await Worker.create({
    connection: server.nativeConnection,
    // Workflows throw failures, too: their bundle needs the same converter.
    workflowBundle: await bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url)),
      failureConverterPath: String(dataConverter.failureConverterPath),
      logger: new DefaultLogger('ERROR'),
    }),
    taskQueue,
    dataConverter,
    activities: {
      admit: (request: { input: unknown }) => {
        throw ApplicationFailure.nonRetryable(`${CANARY} in ${JSON.stringify(request.input)}`, 'INTERNAL', CANARY);
      },
    },
  });
  const handle = await client.workflow.start(EXTERNAL_JOB_WORKFLOW, {
    taskQueue,
    workflowId: unique('codec'),
    memo: { note: CANARY },
    args: [{ service: 'sample', key: 'k', generation: 1, unit: 'u', input: { text: CANARY }, fingerprint: 'f' }],
  });
  const error: unknown = await worker.runUntil(handle.result().catch((thrown: unknown) => thrown));
  expect(error).toMatchObject({ name: 'WorkflowFailedError', message: 'Workflow execution failed' });

  const unread = await listing(server.client);
  expect(unread).toMatchObject({
    code: 'SECRET_UNAVAILABLE',
    message: expect.stringContaining('Set PLAYBOOK_CODEC_KEYS as the workers have it.'),
  });

  const history = await handle.fetchHistory();
  const stored = JSON.stringify(history);
  expect(stored).not.toContain(CANARY);
  const everything = [...stored.matchAll(/"([A-Za-z0-9+/=]{16,})"/g)].map(([, text = '']) =>
    Buffer.from(text, 'base64').toString(),
  );
  expect(everything.join()).not.toContain(CANARY);

  const codecServer = await createCodecServer({ codec, port: 0, origins: [UI] });
  try {
    const input = history.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
    const metadata = Object.fromEntries(
      Object.entries(input?.metadata ?? {}).map(([name, bytes]) => [name, base64(bytes)]),
    );
    const answer = await fetch(`${codecServer.url}/decode`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: UI, 'x-namespace': 'default' },
      body: JSON.stringify({ payloads: [{ metadata, data: base64(input?.data) }] }),
    });
    const { payloads } = (await answer.json()) as { payloads: { data: string }[] };
    expect(Buffer.from(payloads[0]?.data ?? '', 'base64').toString()).toContain(CANARY);
  } finally {
    await codecServer.close();
  }
});

function base64(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString('base64');
}
