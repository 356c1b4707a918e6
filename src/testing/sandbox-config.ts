import { parseDocument } from 'yaml';
import type { SandboxAccess } from '../sandbox/index.ts';

export const WEBHOOK_SECRET = 'CONFORMANCE_WEBHOOK_SECRET';
export const TOKEN_SECRET = 'CONFORMANCE_TOKEN_SECRET';

/** What replaces parts of a configuration for one row. */
export interface Variant {
  readonly deadlineMs?: number;
  readonly maxAttempts?: number;
  readonly polling?: Readonly<Record<string, number>>;
}

/** The example configuration as the kit runs it: pointed at the sandbox, quick, with webhooks where the definition has them. */
export function sandboxConfig(
  example: string,
  site: { readonly url: string; readonly webhookUrl: string | undefined; readonly access: SandboxAccess },
  variant: Variant = {},
): string {
  const document = parseDocument(example);
  document.set('environment', 'sandbox');
  document.setIn(['service', 'base_url'], site.url);
  document.setIn(['service', 'timeouts'], { connect_ms: 1_000, read_ms: 4_000, total_ms: 10_000 });
  document.setIn(['service', 'retry'], { max_attempts: variant.maxAttempts ?? 3, backoff_ms: '50,100,200' });
  document.setIn(['service', 'rate_limit'], { qps_cap: 200 });
  document.set('auth', site.access.auth);
  document.set('polling', { grace_ms: 400, initial_ms: 50, factor: 1.5, max_ms: 400, ...variant.polling });
  document.delete('fallback');
  if (variant.deadlineMs !== undefined) document.set('deadline_ms', variant.deadlineMs);
  if (site.webhookUrl === undefined) document.delete('webhook');
  else {
    document.set('webhook', {
      public_url: site.webhookUrl,
      secrets: [`env:${WEBHOOK_SECRET}`],
      token_secret: `env:${TOKEN_SECRET}`,
    });
  }
  return document.toString();
}
