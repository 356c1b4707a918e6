import type { Proposal } from './proposal.ts';
import { access, propertyName, zodSource } from './schema-source.ts';
import { fieldsOf } from './schema.ts';
import type { TemplateValues } from './template.ts';

/** How jobs are listed and looked up. */
export function listValues(list: NonNullable<Proposal['list']>): TemplateValues {
  const { position, limit, updatedAfter, reference, path, items, next, pagination } = list;
  const query = [
    `${propertyName(position)}: ${pagination === 'cursor' ? 'cursor' : `Number(cursor ?? ${pagination === 'page' ? 1 : 0})`}`,
    limit === 'limit' ? 'limit' : `${propertyName(limit)}: limit`,
    ...(updatedAfter === undefined ? [] : [`${propertyName(updatedAfter)}: updatedAfter`]),
  ];
  const nextOf = {
    cursor: `const next = page${access(next ?? '')};`,
    offset: 'const next = jobs.length < limit ? undefined : String(Number(cursor ?? 0) + jobs.length);',
    page: 'const next = jobs.length < limit ? undefined : String(Number(cursor ?? 1) + 1);',
  }[pagination];
  return {
    pageSource: pageSource(list),
    listPath: path,
    listQuery: query.map((one) => one.replace(/^(\w+): \1$/, '$1')).join(', '),
    listContext: ['cursor', 'limit', ...(updatedAfter === undefined ? [] : ['updatedAfter'])].join(', '),
    listReadContext: pagination === 'cursor' ? '' : ', { cursor, limit }',
    listNext: nextOf,
    itemsName: propertyName(items),
    itemsAccess: access(items),
    ...(reference === undefined ? {} : { referenceParameter: propertyName(reference) }),
    limitParameter: propertyName(limit),
  };
}

function pageSource({ page, items }: NonNullable<Proposal['list']>): string {
  const others = Object.entries(fieldsOf(page)).filter(([name]) => name !== items);
  const required = new Set(page.required);
  const lines = others.map(
    ([name, schema]) =>
      `  ${propertyName(name)}: ${zodSource(schema, 'answer', '  ')}${required.has(name) ? '' : '.optional()'},`,
  );
  return `z.object({\n  ${propertyName(items)}: z.array(jobDto),\n${lines.join('\n')}\n})`;
}
