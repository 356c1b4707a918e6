/** The events a job can cause. */
export const webhookEvents = ['job.processing', 'job.completed', 'job.failed', 'job.canceled'] as const;
export type WebhookEvent = (typeof webhookEvents)[number];
