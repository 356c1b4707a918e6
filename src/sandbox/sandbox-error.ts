/** Why a sandbox could not be started or reconfigured. */
export type SandboxErrorCode = 'INVALID_OPTIONS' | 'INVALID_FAULTS' | 'ADDRESS_UNAVAILABLE' | 'STATE_CORRUPT';

/** Thrown when the sandbox is started or reconfigured with something it cannot work with. Never part of the HTTP API. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError';
  readonly code: SandboxErrorCode;

  constructor(code: SandboxErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
