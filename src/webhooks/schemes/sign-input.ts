/** What a signer needs of one event. */
export interface SignInput {
  /** The event's id; schemes without one ignore it. */
  readonly id: string;
  /** Epoch milliseconds; schemes without a signed time ignore it. */
  readonly timestampMs: number;
  readonly body: Uint8Array;
}
