/** The marker lines of a part; what follows the name in the first one is for readers. */
export function markersOf(part: string): { readonly begin: string; readonly end: string } {
  return {
    begin: `<!-- gen:${part} (written by \`playbook gen\`: change what it follows from, not this) -->`,
    end: `<!-- /gen:${part} -->`,
  };
}

/**
 * Puts a text between a part's markers. Everything outside them stays as it is, to the byte.
 * @returns `undefined` where the markers are not there exactly once and in order
 */
export function setPart(document: string, part: string, text: string): string | undefined {
  const begins = [...document.matchAll(new RegExp(String.raw`<!-- gen:${part}(?: [^\n]*?)?-->`, 'g'))];
  const ends = [...document.matchAll(new RegExp(`<!-- /gen:${part} -->`, 'g'))];
  const [begin, end] = [begins[0], ends[0]];
  if (begin === undefined || end === undefined || begins.length > 1 || ends.length > 1) return undefined;
  const from = begin.index + begin[0].length;
  if (end.index < from) return undefined;
  return `${document.slice(0, from)}\n\n${text}\n\n${document.slice(end.index)}`;
}
