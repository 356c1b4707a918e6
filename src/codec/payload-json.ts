import type { Payload } from '@temporalio/common';

/** Payloads as Temporal's codec server protocol writes them: protobuf's JSON form, bytes in base64. */
export interface PayloadsJson {
  readonly payloads: readonly {
    readonly metadata?: Readonly<Record<string, string>>;
    readonly data?: string;
  }[];
}

export function payloadsToJson(payloads: readonly Payload[]): PayloadsJson {
  return {
    payloads: payloads.map(({ metadata, data }) => ({
      metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, bytes]) => [name, base64(bytes)])),
      ...(data !== null && data !== undefined && { data: base64(data) }),
    })),
  };
}

/** Reads the protocol's JSON; `undefined` when it is something else. */
export function payloadsFromJson(json: unknown): Payload[] | undefined {
  const list = isRecord(json) ? json['payloads'] : undefined;
  if (!Array.isArray(list)) return undefined;
  const payloads = list.map(payloadFromJson);
  return payloads.every((payload) => payload !== undefined) ? payloads : undefined;
}

function payloadFromJson(json: unknown): Payload | undefined {
  if (!isRecord(json)) return undefined;
  const { metadata = {}, data } = json;
  if (!isRecord(metadata) || (data !== undefined && typeof data !== 'string')) return undefined;
  const bytes: [string, Uint8Array][] = [];
  for (const [name, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') return undefined;
    bytes.push([name, Buffer.from(value, 'base64')]);
  }
  return { metadata: Object.fromEntries(bytes), ...(data !== undefined && { data: Buffer.from(data, 'base64') }) };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
