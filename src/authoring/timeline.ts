import { readMarkdown, sectionNamed } from './markdown.ts';
import type { MarkdownDocument } from './markdown.ts';

const TIMELINE = /^timeline/i;

/** What a scope says of itself under "Timeline", as `YYYY-MM-DD`. */
export function dateIn(scope: MarkdownDocument | undefined, name: 'Started' | 'Done'): string | undefined {
  const timeline = scope === undefined ? '' : (sectionNamed(scope, TIMELINE)?.text ?? '');
  return new RegExp(`^- ${name}: (\\d{4}-\\d{2}-\\d{2})\\b`, 'm').exec(timeline)?.[1];
}

/** The scope with the day on which all was done, below the day it was started. Unchanged where it does not say that. */
export function setDone(scope: string, day: string): string {
  return dateIn(readMarkdown(scope), 'Started') === undefined
    ? scope
    : scope.replace(/^- Started: \d{4}-\d{2}-\d{2}.*$/m, (line) => `${line}\n- Done: ${day}`);
}
