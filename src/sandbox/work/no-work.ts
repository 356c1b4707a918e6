import { at } from '../shape/template.ts';
import type { Work } from './work.ts';

/** Jobs that fail, by what a field of their submit says. */
export interface FailingField {
  readonly field: string;
  /** A regular expression. */
  readonly matches: string;
  readonly code: string;
  readonly message: string;
}

/** Does nothing: the templates of the shape make the result of the request. */
export function createNoWork(fails: readonly FailingField[]): Work {
  const rules = fails.map((rule) => ({ ...rule, regex: new RegExp(rule.matches) }));
  return {
    perform: async ({ fields }) => {
      const rule = rules.find(({ field, regex }) => {
        const value = at(fields, field);
        return value !== undefined && regex.test(typeof value === 'string' ? value : JSON.stringify(value));
      });
      if (rule !== undefined) return { ok: false, code: rule.code, message: rule.message };
      return { ok: true, bytes: Buffer.from('{}'), contentType: 'application/json', facts: {}, inline: {} };
    },
    inline: () => ({}),
    close: async () => undefined,
  };
}
