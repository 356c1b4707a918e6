import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { applyDrift } from '../faults/drift.ts';
import type { RequestPlan } from '../faults/switches.ts';
import type { Shape } from '../shape/shape.ts';
import type { Answer } from './exchange.ts';

/** A body nobody reads is taken off the connection up to this size, so that the next request can use it. */
const LEFTOVER_BYTES = 65_536;
/** How long an answered caller may go on sending a larger one. */
const LEFTOVER_MS = 2_000;

/** Sends an answer, spoiled as the plan says. Resolves when it is out or the caller has gone. */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  plan: RequestPlan,
  driftForm: Shape['drift'],
): Promise<void> {
  const isBytes = Buffer.isBuffer(answer.body);
  const drifted =
    isBytes || answer.status >= 300
      ? answer.body
      : plan.drifts.reduce<unknown>((body, drift) => applyDrift(body, drift, driftForm), answer.body);
  const bytes = isBytes ? answer.body : Buffer.from(JSON.stringify(drifted), 'utf8');
  if (!isBytes) response.setHeader('Content-Type', 'application/json');
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  response.setHeader('Content-Length', bytes.length);
  if (!request.complete) dropLeftover(request, response);
  response.writeHead(answer.status);

  if (plan.truncate !== undefined) {
    await write(response, bytes.subarray(0, plan.truncate.keepBytes));
    response.destroy();
    return;
  }
  if (plan.drip !== undefined) await drip(response, bytes, plan.drip);
  else response.end(bytes);
  await closed(response);
}

/** Lets a caller that is still sending read the answer, then cuts it off: closing at once would destroy the answer unread. */
function dropLeftover(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  if (Number(request.headers['content-length']) <= LEFTOVER_BYTES) return;
  response.setHeader('Connection', 'close');
  const timer = setTimeout(() => request.destroy(), LEFTOVER_MS).unref();
  request.once('close', () => clearTimeout(timer));
}

const write = (response: ServerResponse, bytes: Buffer): Promise<void> =>
  new Promise((resolve) => {
    response.write(bytes, () => resolve());
  });

async function drip(
  response: ServerResponse,
  bytes: Buffer,
  { chunkBytes, everyMs }: { readonly chunkBytes: number; readonly everyMs: number },
): Promise<void> {
  for (let sent = 0; sent < bytes.length && !response.destroyed; sent += chunkBytes) {
    response.write(bytes.subarray(sent, sent + chunkBytes));
    await sleep(everyMs, undefined, { ref: false });
  }
  response.end();
}

const closed = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    if (response.writableFinished || response.destroyed) {
      resolve();
      return;
    }
    response.once('finish', resolve);
    response.once('close', resolve);
  });
