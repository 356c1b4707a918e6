import type { Client } from '@temporalio/client';
import type { Payload, PayloadCodec } from '@temporalio/common';

/** What Temporal holds of some workflows, as text. */
export interface Stored {
  /** Every string and every payload as the server has it: histories, memos, search attributes, details. */
  readonly raw: string;
  /** The same with encrypted payloads decoded. */
  readonly decoded: string;
  /** Messages and stack traces of failures, decoded. */
  readonly failures: string;
}

/** Reads everything the server has of the workflows whose ids hold `part`. */
export async function everythingStored(client: Client, part: string, codec?: PayloadCodec): Promise<Stored> {
  const parts: Record<keyof Stored, string[]> = { raw: [], decoded: [], failures: [] };
  for await (const { workflowId, runId } of client.workflow.list()) {
    if (!workflowId.includes(part)) continue;
    const handle = client.workflow.getHandle(workflowId, runId);
    const [history, { raw }] = [await handle.fetchHistory(), await handle.describe()];
    for (const value of [history, raw]) await collect(value, '', parts, codec);
  }
  return { raw: parts.raw.join('\n'), decoded: parts.decoded.join('\n'), failures: parts.failures.join('\n') };
}

async function collect(
  value: unknown,
  name: string,
  into: Record<keyof Stored, string[]>,
  codec: PayloadCodec | undefined,
): Promise<void> {
  if (typeof value === 'string') {
    into.raw.push(value);
    into.decoded.push(value);
    if (name === 'message' || name === 'stackTrace') into.failures.push(value);
  } else if (value instanceof Uint8Array) {
    into.raw.push(Buffer.from(value).toString());
    into.decoded.push(Buffer.from(value).toString());
  } else if (typeof value === 'object' && value !== null) {
    if (codec !== undefined && 'metadata' in value && 'data' in value) {
      const [payload] = await codec.decode([value as Payload]);
      const text = Buffer.from(payload?.data ?? []).toString();
      into.decoded.push(text);
      if (name === 'encodedAttributes') into.failures.push(text);
    }
    for (const [key, child] of Object.entries(value)) await collect(child, key, into, codec);
  }
}
