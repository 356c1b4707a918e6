import type { Format } from '../extraction/render-result.ts';
import type { InlineText } from './shape.ts';

/** A result's bytes as the text that is sent along with a job. */
export function inlineText(format: Format, bytes: Buffer): InlineText {
  const text = bytes.toString('utf8');
  return format === 'json' ? { pageTexts: (JSON.parse(text) as { pages: string[] }).pages } : { text };
}
