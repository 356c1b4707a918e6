export { homePath, openHome } from './home.ts';
export type { Home } from './home.ts';
export { startTemporalServer } from './temporal-server.ts';
export type { TemporalServer, TemporalServerOptions } from './temporal-server.ts';
