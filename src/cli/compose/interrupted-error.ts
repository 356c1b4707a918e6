/** Thrown when Ctrl-C came before all was up. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
}
