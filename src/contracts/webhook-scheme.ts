/** How a service signs its webhooks, as data. Verified by `src/webhooks/schemes`, over the raw bytes of the body. */
export type WebhookScheme =
  /** Standard Webhooks `v1` (HMAC-SHA256); `svix` has the same content under other header names. */
  | { readonly kind: 'standard-webhooks'; readonly headers?: 'webhook' | 'svix' }
  /** Standard Webhooks `v1a` (ed25519); the secret is the public key `whpk_…`. */
  | { readonly kind: 'standard-webhooks-ed25519' }
  | { readonly kind: 'stripe' }
  | { readonly kind: 'github' }
  | { readonly kind: 'slack' }
  | HmacScheme;

/** Any other HMAC scheme: what is signed, how it is written, where it stands. */
export interface HmacScheme {
  readonly kind: 'hmac';
  readonly algorithm?: 'sha256' | 'sha512';
  readonly signatureHeader: string;
  /** Text before the encoded signature, such as `sha256=`. */
  readonly prefix?: string;
  readonly encoding: 'hex' | 'base64';
  /** How the secret's text becomes key bytes. @default 'utf8' */
  readonly key?: 'utf8' | 'hex' | 'base64';
  /** What is signed, of `{id}`, `{timestamp}` and `{body}`, such as `{timestamp}.{body}`. `{body}` ends it. */
  readonly template: string;
  readonly timestampHeader?: string;
  /** What the timestamp counts. @default 's' */
  readonly timestampUnit?: 's' | 'ms';
  readonly idHeader?: string;
}
