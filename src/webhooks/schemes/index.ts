import { PlaybookError } from '../../contracts/errors.ts';
import type { WebhookScheme } from '../../contracts/webhook-scheme.ts';
import { hmacVerifier, signHmac } from './generic-hmac.ts';
import { GITHUB } from './github.ts';
import type { SignInput } from './sign-input.ts';
import { SLACK } from './slack.ts';
import {
  signStandardWebhooks,
  signStandardWebhooksEd25519,
  standardWebhooksEd25519Verifier,
  standardWebhooksVerifier,
} from './standard-webhooks.ts';
import { signStripe, stripeVerifier } from './stripe.ts';
import type { Verifier } from './verifier.ts';

/**
 * A verifier with its keys parsed. Several secrets are for rotation: a signature by any of them passes.
 * @throws PlaybookError CONFIG_INVALID without secrets, or for one that is empty, short or not in the scheme's form.
 */
export function createVerifier(scheme: WebhookScheme, secrets: readonly string[]): Verifier {
  if (secrets.length === 0) {
    throw new PlaybookError('CONFIG_INVALID', 'No webhook secret is given. List at least one under webhook.secrets.');
  }
  switch (scheme.kind) {
    case 'standard-webhooks':
      return standardWebhooksVerifier(scheme.headers ?? 'webhook', secrets);
    case 'standard-webhooks-ed25519':
      return standardWebhooksEd25519Verifier(secrets);
    case 'stripe':
      return stripeVerifier(secrets);
    case 'github':
      return hmacVerifier(GITHUB, secrets);
    case 'slack':
      return hmacVerifier(SLACK, secrets);
    default:
      return hmacVerifier(scheme, secrets);
  }
}

/**
 * The headers a sender of this scheme would send with `body`, lower case.
 * @param secret the service's secret; for ed25519 the private key `whsk_…`
 * @throws PlaybookError CONFIG_INVALID for a secret that is not in the scheme's form.
 */
export function sign(scheme: WebhookScheme, secret: string, input: SignInput): Record<string, string> {
  switch (scheme.kind) {
    case 'standard-webhooks':
      return signStandardWebhooks(scheme.headers ?? 'webhook', secret, input);
    case 'standard-webhooks-ed25519':
      return signStandardWebhooksEd25519(secret, input);
    case 'stripe':
      return signStripe(secret, input);
    case 'github':
      return signHmac(GITHUB, secret, input);
    case 'slack':
      return signHmac(SLACK, secret, input);
    default:
      return signHmac(scheme, secret, input);
  }
}
