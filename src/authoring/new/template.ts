/** What a template is filled with: texts, and whether a section is there. */
export type TemplateValues = Readonly<Record<string, string | boolean>>;

const SECTION = /^[ \t]*\{\{([#^])(\w+)\}\}\n([^]*?)^[ \t]*\{\{\/\2\}\}\n/gm;

/**
 * Fills a template. `{{name}}` is a text; lines between `{{#name}}` and `{{/name}}` stay where that is true, those between
 * `{{^name}}` and `{{/name}}` where it is not.
 */
export function fillTemplate(template: string, values: TemplateValues): string {
  const known = (name: string): string | boolean => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) throw new RangeError(`no value for {{${name}}}`);
    return value;
  };
  const sections = template.replaceAll(SECTION, (_, kind: string, name: string, inner: string) =>
    (known(name) === true) === (kind === '#') ? fillTemplate(inner, values) : '',
  );
  return sections.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => String(known(name)));
}
