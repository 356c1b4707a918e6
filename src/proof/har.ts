import type { Arrival } from '../rules/failure.ts';

/** What a proof is stored as: the HTTP Archive format, 1.2 (fields that begin with `_` are ours, as the format allows). */
export interface Har {
  readonly log: {
    readonly version: '1.2';
    readonly creator: { readonly name: string; readonly version: string };
    readonly entries: readonly HarEntry[];
  };
}

export interface NameValue {
  readonly name: string;
  readonly value: string;
}

/** One exchange: a request of ours with the service's answer, or a webhook with ours. */
export interface HarEntry {
  readonly startedDateTime: string;
  /** Milliseconds. */
  readonly time: number;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly httpVersion: 'HTTP/1.1';
    readonly cookies: readonly never[];
    readonly headers: readonly NameValue[];
    readonly queryString: readonly NameValue[];
    readonly postData?: { readonly mimeType: string; readonly text: string };
    readonly headersSize: -1;
    readonly bodySize: number;
  };
  readonly response: {
    /** 0 where no answer came. */
    readonly status: number;
    readonly statusText: string;
    readonly httpVersion: 'HTTP/1.1';
    readonly cookies: readonly never[];
    readonly headers: readonly NameValue[];
    readonly content: { readonly size: number; readonly mimeType: string; readonly text?: string };
    readonly redirectURL: '';
    readonly headersSize: -1;
    readonly bodySize: number;
  };
  readonly cache: Record<string, never>;
  readonly timings: { readonly send: 0; readonly wait: number; readonly receive: 0 };
  readonly _playbook: EntryFacts;
}

/** What of an exchange HAR has no place for. */
export interface EntryFacts {
  /** What a request is for; `webhook` came to us. */
  readonly kind: string;
  /** The request's body was streamed from a file and is not kept. */
  readonly streamed?: true;
  /** A webhook's id, as its scheme says. */
  readonly eventId?: string;
  /** Why no answer came. */
  readonly failure?: { readonly code: string; readonly arrival: Arrival };
}

/** Milliseconds at which an exchange began and ended. */
export function spanOf({ startedDateTime, time }: HarEntry): { readonly fromMs: number; readonly toMs: number } {
  const fromMs = Date.parse(startedDateTime);
  return { fromMs, toMs: fromMs + time };
}
