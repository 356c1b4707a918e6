/** Submits make new jobs; reads (polls, fetches, cancellations) serve jobs that are paid for. */
export const SEND_CLASSES = ['submit', 'read'] as const;
export type SendClass = (typeof SEND_CLASSES)[number];
