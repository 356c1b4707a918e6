export { createPlaybookProvider } from './provider.ts';
export type { PlaybookProviderOptions } from './provider.ts';
