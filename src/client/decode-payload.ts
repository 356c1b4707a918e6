import type { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';

/** A value out of a raw answer of the server, through the client's own codecs. */
export async function decodePayload<Value>(client: Pick<Client, 'options'>, payload: Payload): Promise<Value> {
  const { payloadConverter, payloadCodecs } = client.options.loadedDataConverter;
  let decoded = [payload];
  for (const codec of payloadCodecs.toReversed()) decoded = await codec.decode(decoded);
  return payloadConverter.fromPayload<Value>(decoded[0] ?? payload);
}
