/** An item of a structured-field list (RFC 9651): its value and its parameters. Byte sequences and dates come as their text. */
export interface FieldItem {
  readonly value: string | number | boolean;
  readonly parameters: ReadonlyMap<string, string | number | boolean>;
}

const BARE = String.raw`"(?<string>(?:[ !#-\[\]-~]|\\["\\])*)"|(?<number>-?\d{1,15}(?:\.\d{1,3})?)|(?<token>[A-Za-z*][\w!#$%&'*+.^\x60|~:/-]*)|:(?<bytes>[A-Za-z0-9+/=]*):|\?(?<flag>[01])|@(?<date>-?\d{1,15})`;
const ITEM = new RegExp(BARE, 'y');
const PARAMETER = /;[ ]*(?<key>[a-z*][a-z0-9_.*-]*)(?<equals>=?)/y;
const COMMA = /(?<comma>[ \t]*,[ \t]*)(?!$)/y;

/** Parses a list of plain items with parameters, such as `"burst";q=100;w=60, "daily";q=1000`. Malformed: `undefined`, as a whole. */
export function parseItems(text: string): readonly FieldItem[] | undefined {
  const line = text.trim();
  let at = 0;
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const found = pattern.exec(line);
    if (found !== null) at = pattern.lastIndex;
    return found?.groups;
  };
  const bare = () => {
    const groups = match(ITEM);
    return groups === undefined ? undefined : valueOf(groups);
  };

  const items: FieldItem[] = [];
  while (at < line.length) {
    const value = bare();
    if (value === undefined) return undefined;
    const parameters = new Map<string, string | number | boolean>();
    for (let found = match(PARAMETER); found !== undefined; found = match(PARAMETER)) {
      const parameter = found['equals'] === '=' ? bare() : true;
      if (parameter === undefined) return undefined;
      parameters.set(found['key'] ?? '', parameter);
    }
    items.push({ value, parameters });
    if (at === line.length) return items;
    if (match(COMMA) === undefined) return undefined;
  }
  return items;
}

function valueOf(groups: Readonly<Record<string, string | undefined>>): string | number | boolean {
  const { string, number, token, bytes, flag, date } = groups;
  if (string !== undefined) return string.replaceAll(/\\(.)/g, '$1');
  if (number !== undefined) return Number(number);
  if (flag !== undefined) return flag === '1';
  return token ?? bytes ?? date ?? '';
}
