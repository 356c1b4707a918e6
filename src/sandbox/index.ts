export { sandboxAccess } from './access.ts';
export type { SandboxAccess } from './access.ts';
export { startSandbox } from './start-sandbox.ts';
export type { Sandbox } from './start-sandbox.ts';
export { defaultClient, defaultWebhookSecret } from './options.ts';
export type { SandboxOptions } from './options.ts';
export { SandboxError } from './sandbox-error.ts';
export type { FaultsInput } from './faults/schema.ts';
export type { RequestEntry } from './request-log.ts';
