import { createHmac } from 'node:crypto';

/** What a signature covers. */
interface SignableMessage {
  readonly id: string;
  readonly timestampS: number;
  readonly body: string;
}

/** Makes the headers that prove where a webhook comes from. */
export type WebhookSigner = (message: SignableMessage) => Record<string, string>;

/** Signs by the Standard Webhooks scheme `v1`: HMAC-SHA256 over `id.timestamp.body`, the key being the decoded secret. */
export function createStandardSigner(secret: string): WebhookSigner {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  return ({ id, timestampS, body }) => ({
    'webhook-id': id,
    'webhook-timestamp': String(timestampS),
    'webhook-signature': `v1,${createHmac('sha256', key).update(`${id}.${timestampS}.${body}`).digest('base64')}`,
  });
}
