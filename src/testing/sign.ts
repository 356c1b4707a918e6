export { sign as signWebhook } from '../webhooks/index.ts';
