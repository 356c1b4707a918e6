import { parseOptions } from './options.ts';
import type { SandboxOptions } from './options.ts';

/** What a caller of a sandbox has to know: a configuration's `auth` section and the values of the secrets it refers to. */
export interface SandboxAccess {
  readonly auth: Readonly<Record<string, unknown>>;
  /** Whether it sends webhooks, and the secret it signs them with. */
  readonly webhookSecret: string | undefined;
  readonly secrets: Readonly<Record<string, string>>;
}

const SECRET = 'PLAYBOOK_SANDBOX_CLIENT_SECRET';

/** How to reach a sandbox with these options at `url`. @throws SandboxError INVALID_OPTIONS */
export function sandboxAccess(options: SandboxOptions, url: string): SandboxAccess {
  const { shape, auth, clients, webhook } = parseOptions(options);
  const [client] = clients;
  const form = shape?.auth ?? { kind: auth };
  const secret = `env:${SECRET}`;
  const sections: Readonly<Record<typeof form.kind, Readonly<Record<string, unknown>>>> = {
    none: { type: 'none' },
    basic: { type: 'basic', username: client?.id, password: secret },
    bearer: { type: 'bearer', token: secret },
    'api-key': { type: 'api_key', header: 'header' in form ? form.header : 'X-Api-Key', key: secret },
    oauth: {
      type: 'oauth_client_credentials',
      token_url: `${url}${'tokenPath' in form ? form.tokenPath : '/oauth/token'}`,
      scopes: client?.scopes,
      client_id: client?.id,
      client_secret: secret,
    },
  };
  const hasWebhooks = shape === undefined || shape.webhooks !== undefined;
  return {
    auth: sections[form.kind],
    webhookSecret: hasWebhooks ? webhook.secret : undefined,
    secrets: { [SECRET]: client?.secret ?? '' },
  };
}
