import type { HmacScheme } from '../../contracts/webhook-scheme.ts';

/** `X-Slack-Signature: v0=<hex>` over `v0:<timestamp>:<body>`. */
export const SLACK: HmacScheme = {
  kind: 'hmac',
  signatureHeader: 'x-slack-signature',
  prefix: 'v0=',
  encoding: 'hex',
  template: 'v0:{timestamp}:{body}',
  timestampHeader: 'x-slack-request-timestamp',
};
