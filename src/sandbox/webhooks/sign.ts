import { createHmac } from 'node:crypto';

/** What a signature covers. */
interface SignableMessage {
  readonly id: string;
  readonly timestampS: number;
  readonly body: string;
}

/** Makes the headers that prove where a webhook comes from; `forged`: in the right form, and nobody can verify them. */
export type WebhookSigner = (message: SignableMessage, forged?: boolean) => Record<string, string>;

/** An HMAC-SHA256 scheme as data. */
export interface HmacForm {
  readonly signatureHeader: string;
  /** Text before the encoded signature. */
  readonly prefix: string;
  readonly encoding: 'hex' | 'base64';
  /** What is signed, of `{id}`, `{timestamp}` (seconds) and `{body}`. */
  readonly template: string;
  readonly timestampHeader?: string | undefined;
  readonly idHeader?: string | undefined;
}

const forgery = (encoding: 'hex' | 'base64'): string => Buffer.alloc(32, 7).toString(encoding);

/** Signs by the Standard Webhooks scheme `v1`: HMAC-SHA256 over `id.timestamp.body`, the key being the decoded secret. */
export function createStandardSigner(secret: string): WebhookSigner {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  return ({ id, timestampS, body }, forged = false) => {
    const signature = createHmac('sha256', key).update(`${id}.${timestampS}.${body}`).digest('base64');
    return {
      'webhook-id': id,
      'webhook-timestamp': String(timestampS),
      'webhook-signature': `v1,${forged ? forgery('base64') : signature}`,
    };
  };
}

/** Signs by any HMAC-SHA256 scheme; the key is the secret's text. */
export function createHmacSigner(form: HmacForm, secret: string): WebhookSigner {
  const { signatureHeader, timestampHeader, idHeader, prefix, encoding, template } = form;
  return ({ id, timestampS, body }, forged = false) => {
    const values = { id, timestamp: String(timestampS), body };
    const signed = template.replaceAll(/\{(id|timestamp|body)\}/g, (_, name: keyof typeof values) => values[name]);
    const signature = createHmac('sha256', secret).update(signed).digest(encoding);
    return {
      ...(idHeader === undefined ? {} : { [idHeader.toLowerCase()]: id }),
      ...(timestampHeader === undefined ? {} : { [timestampHeader.toLowerCase()]: String(timestampS) }),
      [signatureHeader.toLowerCase()]: `${prefix}${forged ? forgery(encoding) : signature}`,
    };
  };
}
