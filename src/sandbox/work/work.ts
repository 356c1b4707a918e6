import type { Format } from '../extraction/render-result.ts';
import type { InlineText } from '../shape/shape.ts';
import type { Job } from '../state/entities.ts';

/** What came of a job's work. */
export type WorkOutcome =
  | {
      readonly ok: true;
      /** The result itself. */
      readonly bytes: Buffer;
      readonly contentType: string;
      /** What there is to say of it, by name. */
      readonly facts: Readonly<Record<string, unknown>>;
      readonly inline: InlineText;
    }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** What a service does for its jobs. */
export interface Work {
  readonly perform: (job: Job) => Promise<WorkOutcome>;
  /** What of a small result's bytes is sent along with its job. */
  readonly inline: (format: Format, bytes: Buffer) => InlineText;
  readonly close: () => Promise<void>;
}
