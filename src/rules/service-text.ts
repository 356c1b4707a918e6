const MAX_MESSAGE = 200;
const TOKEN = /^[\w.:/-]{1,64}$/;
const NOT_TEXT = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu;

/** A service's own words, fit to stand in our messages: one line, no control or bidirectional characters, at most 200 characters. */
export function serviceText(text: string): string {
  const line = text
    .slice(0, 4 * MAX_MESSAGE)
    .replaceAll(NOT_TEXT, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const characters = Array.from(line);
  return characters.length > MAX_MESSAGE ? `${characters.slice(0, MAX_MESSAGE - 1).join('')}…` : line;
}

/** A service's own error code if it is a short token; anything else could be a payload in disguise. */
export function serviceToken(code: string | undefined): string | undefined {
  return code !== undefined && TOKEN.test(code) ? code : undefined;
}
