import type { IncomingHttpHeaders } from 'node:http';

/** What is sent back: a JSON value, or bytes as they are. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** What a handler leaves for the request log. */
export interface Notes {
  key: string | null;
  replayed: boolean;
  accepted: boolean;
}

/** One request, as a handler sees it. */
export interface Exchange {
  readonly clientId: string;
  readonly headers: IncomingHttpHeaders;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Reads the whole body. @throws ApiError 413 */
  readonly readBody: (maxBytes: number) => Promise<Buffer>;
  /** Waits as long as a latency fault `inside` wants. */
  readonly linger: () => Promise<void>;
  readonly notes: Notes;
}
