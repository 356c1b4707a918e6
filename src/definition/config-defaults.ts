import type { ConfigDocument } from './config-schema.ts';
import type { AuthConfig, SecretRef, ServiceConfig } from './config-types.ts';

/** Milliseconds the webhook gets before the first poll. */
const GRACE_MS = 2000;
/** Milliseconds a whole request may take, body included, unless the other timeouts ask for more. */
const TOTAL_MS = 30_000;

/**
 * Fills in the defaults that depend on something. References to secrets follow from the names of service and environment:
 * `env:DOCPROC_CLIENT_ID` in the sandbox, `env:DOCPROC_PRODUCTION_CLIENT_ID` in production, so that the two never share one.
 */
export function withDefaults(document: ConfigDocument, service: string): ServiceConfig {
  const { timeouts } = document.service;
  const names = document.environment === 'sandbox' ? [service] : [service, document.environment];
  const env = (name: string): SecretRef => `env:${[...names, name].join('_').replaceAll('-', '_').toUpperCase()}`;
  const { webhook, polling, notifications, ...rest } = document;
  return {
    ...rest,
    service: {
      ...document.service,
      timeouts: {
        ...timeouts,
        total_ms: timeouts.total_ms ?? Math.max(TOTAL_MS, timeouts.connect_ms + timeouts.read_ms),
      },
    },
    auth: authWithDefaults(document.auth, env),
    ...(webhook && {
      webhook: {
        ...webhook,
        secrets: webhook.secrets ?? [env('WEBHOOK_SECRET')],
        token_secret: webhook.token_secret ?? env('CALLBACK_SECRET'),
      },
    }),
    ...(notifications && {
      notifications: { ...notifications, secret: notifications.secret ?? env('NOTIFICATION_SECRET') },
    }),
    polling: { ...polling, grace_ms: polling.grace_ms ?? (webhook === undefined ? 0 : GRACE_MS) },
  };
}

function authWithDefaults(auth: ConfigDocument['auth'], env: (name: string) => SecretRef): AuthConfig {
  switch (auth.type) {
    case 'none':
      return auth;
    case 'oauth_client_credentials': {
      const client_id = auth.client_id ?? env('CLIENT_ID');
      return auth.client_auth === 'private_key_jwt'
        ? { ...auth, client_id, private_key: auth.private_key ?? env('PRIVATE_KEY') }
        : { ...auth, client_id, client_secret: auth.client_secret ?? env('CLIENT_SECRET') };
    }
    case 'jwt_bearer':
      return { ...auth, private_key: auth.private_key ?? env('PRIVATE_KEY') };
    case 'api_key':
      return { ...auth, key: auth.key ?? env('API_KEY') };
    case 'bearer':
      return { ...auth, token: auth.token ?? env('TOKEN') };
    case 'basic':
      return { ...auth, username: auth.username ?? env('USERNAME'), password: auth.password ?? env('PASSWORD') };
    case 'hmac':
    default:
      return { ...auth, secret: auth.secret ?? env('SIGNING_SECRET') };
  }
}
