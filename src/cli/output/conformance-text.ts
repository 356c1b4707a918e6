import type { ConformanceReport, RowReport } from '../../testing/index.ts';
import { seconds } from './format.ts';

const MARKS: Readonly<Record<RowReport['status'], string>> = {
  passed: '✓',
  failed: '✗',
  'not-applicable': '–',
  'not-run': '?',
};

/** One row of a matrix: `✓ H1 semantics    a valid job … (0.3 s)`, and below it why it failed. */
export function caseLine({ id, layer, title, status, why, ms, figures }: RowReport): string {
  const took = ms === undefined ? '' : ` (${seconds(ms)})`;
  const measured = Object.entries(figures ?? {}).map(([name, value]) => `${name} ${value}`);
  const more = [
    ...(status === 'passed' ? [] : why === undefined ? [] : [why]),
    ...(measured.length === 0 ? [] : [measured.join(', ')]),
  ];
  const below = more.map((text) => `\n${' '.repeat(21)}${text}`).join('');
  return `${MARKS[status]} ${id.padEnd(3)} ${layer.padEnd(13)}  ${title}${took}${below}`;
}

/** What came of the whole matrix. */
export function summaryLines({ rows, coverage, service }: ConformanceReport, kept: string | undefined): string[] {
  const count = (status: RowReport['status']): number => rows.filter((row) => row.status === status).length;
  const parts = [
    `${count('passed')} passed`,
    `${count('failed')} failed`,
    ...(count('not-applicable') === 0 ? [] : [`${count('not-applicable')} not applicable`]),
    ...(count('not-run') === 0 ? [] : [`${count('not-run')} not run`]),
  ];
  const missed = coverage?.items.filter(({ exercised }) => !exercised) ?? [];
  return [
    '',
    `${service}: ${parts.join(', ')}`,
    ...(coverage === undefined
      ? []
      : [
          `Semantic contract coverage: ${coverage.percent} % of ${coverage.items.length} (endpoints, words, transitions, error rules, events)`,
          ...missed.map(({ name }) => `  never exercised: ${name}`),
        ]),
    ...(kept === undefined ? [] : [`Report: ${kept}`]),
  ];
}
