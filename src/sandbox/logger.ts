/** The part of a pino logger the sandbox uses. */
export interface SandboxLogger {
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
}

/** Says nothing. */
export const silentLogger: SandboxLogger = { info: () => undefined, warn: () => undefined };
