import type { ControlState } from '../contracts/control.ts';
import { describeBudget } from '../rules/control.ts';

/** An integration's page in the Web UI, as Markdown. */
export function describeControl(service: string, state: ControlState): string {
  const { changed } = state;
  const rows: readonly (readonly [string, string])[] = [
    ['state', state.enabled ? `**enabled** for ${state.weightBps / 100} % of units` : '**disabled**'],
    ['stage', state.stage ?? 'none'],
    [
      'watched',
      state.lease === undefined
        ? 'by nobody'
        : `by ${state.lease.holder} until ${new Date(state.lease.untilMs).toISOString()}, else ${state.lease.safeWeightBps / 100} %`,
    ],
    ['allowed whatever the weight', listed(state.allow)],
    ['denied', listed(state.deny)],
    ['budget', describeBudget(state.budget)],
    ['revision', String(state.revision)],
    [
      'last change',
      changed === undefined
        ? 'none'
        : `${changed.what} by ${changed.actor} at ${new Date(changed.atMs).toISOString()}: ${changed.reason}`,
    ],
  ];
  const lines = rows.map(([name, value]) => `| ${name} | ${value.replaceAll('|', '\\|').replaceAll('\n', ' ')} |`);
  return [`### Integration ${service}`, '', '| | |', '| --- | --- |', ...lines].join('\n');
}

function listed(units: readonly string[]): string {
  if (units.length === 0) return 'nobody';
  return `${units.length}: ${units.slice(0, 10).join(', ')}${units.length > 10 ? ', …' : ''}`;
}
