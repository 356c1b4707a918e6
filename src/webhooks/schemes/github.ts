import type { HmacScheme } from '../../contracts/webhook-scheme.ts';

/**
 * `X-Hub-Signature-256: sha256=<hex>` over the body. The SHA-1 header is never looked at. The delivery id is not signed:
 * whoever replays a captured event can give it another one, which costs a repeated hint and no more.
 */
export const GITHUB: HmacScheme = {
  kind: 'hmac',
  signatureHeader: 'x-hub-signature-256',
  prefix: 'sha256=',
  encoding: 'hex',
  template: '{body}',
  idHeader: 'x-github-delivery',
};
