import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WorkflowFailedError } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { createWebhookDeliveryActivities } from '../../src/activities/index.ts';
import { jobWorkflowId } from '../../src/contracts/ids.ts';
import { EXTERNAL_JOB_WORKFLOW } from '../../src/contracts/messages.ts';
import { WORKFLOW_QUEUE } from '../../src/contracts/queues.ts';
import { SEARCH_ATTRIBUTES } from '../../src/contracts/search-attributes.ts';
import { webhookDeliveryId } from '../../src/contracts/webhook-delivery.ts';
import type { WebhookDeliveryResult } from '../../src/contracts/webhook-delivery.ts';
import {
  createTemporalHandOver,
  discardDeadLetter,
  listDeadLetters,
  retryDeadLetter,
} from '../../src/webhooks/index.ts';
import type { DeadLetter, Delivery } from '../../src/webhooks/index.ts';
import { connectToServer, createTestWorker, testNamespace, unique } from '../helpers/temporal.ts';
import type { TestServer } from '../helpers/temporal.ts';
import { recordingLogger } from './helpers/receiver.ts';
import { until } from '../helpers/until.ts';

const SERVICE = 'docproc';
let server: TestServer;
let stop: () => Promise<void>;
const started: WorkflowHandle[] = [];

beforeAll(async () => {
  const namespace = testNamespace();
  server = await connectToServer(undefined, namespace);
  const worker = await createTestWorker({
    connection: server.nativeConnection,
    namespace,
    taskQueue: WORKFLOW_QUEUE,
    activities: createWebhookDeliveryActivities(),
  });
  const running = worker.run();
  stop = async () => {
    worker.shutdown();
    await running;
  };
});

afterAll(async () => {
  for (const handle of started) await handle.terminate('test over').catch(() => undefined);
  await stop();
  await server.close();
});

/** A job as far as the receiver is concerned: it has an id and search attributes, and keeps signals until somebody works on it. */
async function startJob(options: { key?: string; externalId: string; service?: string }): Promise<WorkflowHandle> {
  const { key = unique('job'), externalId, service = SERVICE } = options;
  const { service: serviceKey, externalId: externalKey } = SEARCH_ATTRIBUTES;
  const handle = await server.client.workflow.start(EXTERNAL_JOB_WORKFLOW, {
    workflowId: jobWorkflowId(service, key),
    taskQueue: unique('nobody-works-here'),
    typedSearchAttributes: new TypedSearchAttributes([
      { key: defineSearchAttributeKey(serviceKey.name, serviceKey.type), value: service },
      { key: defineSearchAttributeKey(externalKey.name, externalKey.type), value: externalId },
    ]),
  });
  started.push(handle);
  return handle;
}

const handOverWithin = (searchMs: number) =>
  createTemporalHandOver({ client: server.client, logger: recordingLogger(), searchMs });

function delivery(address: Delivery['address'], eventId = unique('evt')): Delivery {
  return { service: SERVICE, address, hint: { eventId, state: 'COMPLETED', receivedAtMs: 1_800_000_000_000 } };
}

const toJob = (key: string): Delivery['address'] => ({ kind: 'job', job: { service: SERVICE, key, generation: 1 } });
const toExternal = (externalId: string): Delivery['address'] => ({ kind: 'external', externalId });

/** Event ids of the webhooks a job was signalled. */
async function signalsOf(handle: WorkflowHandle): Promise<unknown[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap((event) => {
    const payload = event.workflowExecutionSignaledEventAttributes?.input?.payloads?.[0]?.data;
    return payload ? [(JSON.parse(Buffer.from(payload).toString()) as { eventId: string }).eventId] : [];
  });
}

const deliveryOf = (eventId: string): WorkflowHandle =>
  server.client.workflow.getHandle(webhookDeliveryId(SERVICE, eventId));
const resultOf = async (eventId: string): Promise<WebhookDeliveryResult> =>
  deliveryOf(eventId).result() as Promise<WebhookDeliveryResult>;

/** Visibility is a moment late: from now on it shows the running job. */
async function untilVisible(externalId: string): Promise<void> {
  const query = `PlaybookExternalId = '${externalId}' AND ExecutionStatus = 'Running'`;
  await until('visibility has the job', async () => (await server.client.workflow.count(query)).count === 1);
}

async function deadLetters(): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for await (const letter of listDeadLetters(server.client, { service: SERVICE })) letters.push(letter);
  return letters;
}

/** Visibility is a moment behind. */
async function untilDeadLetter(eventId: string, listed: boolean): Promise<DeadLetter | undefined> {
  const endAtMs = Date.now() + 10_000;
  for (;;) {
    const letter = (await deadLetters()).find((each) => each.eventId === eventId);
    if ((letter !== undefined) === listed) return letter;
    if (Date.now() > endAtMs) throw new Error(`${eventId} is ${listed ? 'not' : 'still'} listed after 10 s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** An event for a job nobody knows, until it is a dead letter. */
async function deadLetter(externalId = unique('ext')): Promise<Delivery> {
  const dead = delivery(toExternal(externalId));
  expect(await handOverWithin(300)(dead)).toBe('accepted');
  await expect(resultOf(dead.hint.eventId)).rejects.toThrow(WorkflowFailedError);
  return dead;
}

describe('an event for a job we know', () => {
  it('is signalled to it', async () => {
    const key = unique('job');
    const job = await startJob({ key, externalId: unique('ext') });
    const event = delivery(toJob(key));
    expect(await handOverWithin(1000)(event)).toBe('accepted');
    expect(await signalsOf(job)).toEqual([event.hint.eventId]);
  });

  it('is late once the job has ended', async () => {
    const key = unique('job');
    await (await startJob({ key, externalId: unique('ext') })).terminate('over');
    expect(await handOverWithin(1000)(delivery(toJob(key)))).toBe('late');
  });

  it('is for nobody when there is no such job', async () => {
    expect(await handOverWithin(1000)(delivery(toJob(unique('job'))))).toBe('unknown_job');
  });
});

describe('an event that names only the service’s id', () => {
  it('finds its job, once however often it is repeated', async () => {
    const externalId = unique('ext');
    const job = await startJob({ externalId });
    const event = delivery(toExternal(externalId));
    const handOver = handOverWithin(10_000);
    expect(await handOver(event)).toBe('accepted');
    expect(await resultOf(event.hint.eventId)).toEqual({ outcome: 'delivered', jobWorkflowId: job.workflowId });
    expect(await handOver(event)).toBe('duplicate');
    expect(await signalsOf(job)).toEqual([event.hint.eventId]);
  });

  it('waits for a job that is still recording its external id', async () => {
    const externalId = unique('ext');
    const event = delivery(toExternal(externalId));
    const handOver = handOverWithin(20_000);
    expect(await handOver(event)).toBe('accepted');
    expect(await handOver(event)).toBe('duplicate');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const job = await startJob({ externalId });
    expect(await resultOf(event.hint.eventId)).toMatchObject({ outcome: 'delivered' });
    expect(await signalsOf(job)).toEqual([event.hint.eventId]);
  });

  it('is late when the job has ended', async () => {
    const externalId = unique('ext');
    const job = await startJob({ externalId });
    await job.terminate('over');
    const event = delivery(toExternal(externalId));
    await handOverWithin(10_000)(event);
    expect(await resultOf(event.hint.eventId)).toEqual({ outcome: 'late', jobWorkflowId: job.workflowId });
  });

  it('goes to the running generation when an earlier one with that id has ended', async () => {
    const externalId = unique('ext');
    await (await startJob({ externalId })).terminate('over');
    const job = await startJob({ externalId });
    await untilVisible(externalId);
    const event = delivery(toExternal(externalId));
    await handOverWithin(10_000)(event);
    expect(await resultOf(event.hint.eventId)).toMatchObject({ jobWorkflowId: expect.any(String) });
    expect(await signalsOf(job)).toEqual([event.hint.eventId]);
  });

  it('never goes to another service’s job, whatever stands in the id', async () => {
    const externalId = `${unique('ext')}' OR 'a' = 'a`;
    await startJob({ externalId, service: 'other' });
    const job = await startJob({ externalId });
    const event = delivery(toExternal(externalId));
    await handOverWithin(10_000)(event);
    expect(await resultOf(event.hint.eventId)).toEqual({ outcome: 'delivered', jobWorkflowId: job.workflowId });
  });
});

describe('a dead letter', () => {
  it('is an event whose job was not found in time: a failed workflow that says so, listed', async () => {
    const externalId = unique('ext');
    const dead = delivery(toExternal(externalId));
    await handOverWithin(300)(dead);
    await expect(resultOf(dead.hint.eventId)).rejects.toMatchObject({
      cause: {
        type: 'WEBHOOK_UNDELIVERABLE',
        message: `No job of docproc with external id ${externalId} was found in time.`,
      },
    });
    expect(await untilDeadLetter(dead.hint.eventId, true)).toEqual({
      service: SERVICE,
      eventId: dead.hint.eventId,
      workflowId: webhookDeliveryId(SERVICE, dead.hint.eventId),
      runId: expect.any(String),
      externalId,
      state: 'COMPLETED',
      receivedAtMs: dead.hint.receivedAtMs,
      deadSinceMs: expect.any(Number),
    });
  });

  it('is delivered by a retry once the job is there, and no longer listed', async () => {
    const externalId = unique('ext');
    const { hint } = await deadLetter(externalId);
    const job = await startJob({ externalId });
    await untilVisible(externalId);
    await retryDeadLetter(server.client, { service: SERVICE, eventId: hint.eventId });
    expect(await resultOf(hint.eventId)).toMatchObject({ outcome: 'delivered' });
    expect(await signalsOf(job)).toEqual([hint.eventId]);
    await untilDeadLetter(hint.eventId, false);
    await expect(retryDeadLetter(server.client, { service: SERVICE, eventId: hint.eventId })).rejects.toMatchObject({
      code: 'DEAD_LETTER_NOT_FOUND',
      message: expect.stringContaining('is no dead letter'),
    });
  });

  it('is looked for again when the sender repeats it', async () => {
    const externalId = unique('ext');
    const dead = await deadLetter(externalId);
    const job = await startJob({ externalId });
    expect(await handOverWithin(10_000)(dead)).toBe('accepted');
    expect(await resultOf(dead.hint.eventId)).toMatchObject({ outcome: 'delivered' });
    expect(await signalsOf(job)).toEqual([dead.hint.eventId]);
  });

  it('is given up for good by a discard, which keeps who and why', async () => {
    const dead = await deadLetter();
    const letter = { service: SERVICE, eventId: dead.hint.eventId };
    await untilDeadLetter(dead.hint.eventId, true);
    await discardDeadLetter(server.client, letter, { actor: 'ada', reason: 'a job of another environment' });
    expect(await resultOf(dead.hint.eventId)).toEqual({
      outcome: 'discarded',
      actor: 'ada',
      reason: 'a job of another environment',
    });
    await untilDeadLetter(dead.hint.eventId, false);
    expect(await handOverWithin(300)(dead)).toBe('duplicate');
  });

  it('that is none is said to be none', async () => {
    await expect(retryDeadLetter(server.client, { service: SERVICE, eventId: unique('evt') })).rejects.toMatchObject({
      code: 'DEAD_LETTER_NOT_FOUND',
      message: expect.stringContaining('is not known here'),
    });
  });

  it('is listed by limit, and by a service’s proper name only', async () => {
    const dead = await deadLetter();
    await untilDeadLetter(dead.hint.eventId, true);
    const first: DeadLetter[] = [];
    for await (const letter of listDeadLetters(server.client, { limit: 1 })) first.push(letter);
    expect(first).toHaveLength(1);
    await expect(
      listDeadLetters(server.client, { service: "x' OR ''='" })[Symbol.asyncIterator]().next(),
    ).rejects.toMatchObject({
      code: 'UNKNOWN_SERVICE',
    });
  });
});
