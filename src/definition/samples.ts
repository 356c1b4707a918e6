/** One job to try an integration with: a file, where the integration makes its input from one, else the input itself. */
export type Sample = { readonly file: string; readonly content: string | Uint8Array } | { readonly input: unknown };

/** Jobs to try an integration with: what its definition cannot tell. `integrations/<service>/src/samples.ts` exports them as `samples`. */
export interface IntegrationSamples {
  /** One that completes; another for each `nth`, so that two can be told apart. */
  readonly valid: (nth: number) => Sample;
  /** One the service takes and cannot do, and the code it then gives. */
  readonly failing?: Sample & { readonly code: string };
}
