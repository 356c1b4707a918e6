/** What a request's path asks for. */
export type Target =
  | { readonly kind: 'live' | 'ready' | 'none' }
  | { readonly kind: 'webhook'; readonly service: string; readonly token: string | undefined };

/** `/webhooks/<service>[/<token>]`, `/healthz` or `/readyz`; a query is ignored, since some senders add one. */
export function routePath(target: string): Target {
  const question = target.indexOf('?');
  const path = question === -1 ? target : target.slice(0, question);
  if (path === '/healthz') return { kind: 'live' };
  if (path === '/readyz') return { kind: 'ready' };
  const [root, webhooks, service, token, rest] = path.split('/', 5);
  const isWebhook = root === '' && webhooks === 'webhooks' && rest === undefined && token !== '';
  return isWebhook && service !== undefined ? { kind: 'webhook', service, token } : { kind: 'none' };
}
