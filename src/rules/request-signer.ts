/** What request signing may look at. */
export interface SignableRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** The JSON body's exact bytes; absent for streamed uploads. */
  readonly body?: Uint8Array;
}

export interface SigningMaterial {
  readonly keyId: string;
  readonly secret: string;
  /** Epoch seconds. */
  readonly timestampS: number;
  /** Where the signature goes, if the configuration says. */
  readonly header?: string;
}

/** Signs requests for a service with a scheme of its own: returns the headers to add. */
export type RequestSigner = (request: SignableRequest, material: SigningMaterial) => Readonly<Record<string, string>>;
