/** Where counts go. Labels are bounded: a registered service's name and words of closed lists, never the sender's text. */
export interface ReceiverMetrics {
  readonly count: (name: string, labels: Readonly<Record<string, string>>) => void;
}

/** One count per request: labels `service` and `outcome`. */
export const WEBHOOKS_TOTAL = 'playbook_webhooks_total';
/** One count per request refused for its signature: labels `service` and `reason`. */
export const WEBHOOK_SIGNATURES_REJECTED_TOTAL = 'playbook_webhook_signatures_rejected_total';
/** Signed webhooks whose callback token was of no use, so that they were routed otherwise: label `service`. */
export const WEBHOOK_TOKENS_IGNORED_TOTAL = 'playbook_webhook_tokens_ignored_total';
