import { LABELS, METRICS } from '../src/contracts/metrics.ts';

const INTRODUCTION = `# Metrics

Every process serves its metrics for Prometheus at \`/metrics\` of the address that \`--metrics\` or \`PLAYBOOK_METRICS_ADDRESS\` names: those below, and
Temporal's own (\`temporal_…\`: task latencies, slots, pollers, requests to the server). Without an address nothing is measured.

Ours count once for each thing that happens, wherever it happens: add them up over processes. What only the holder of a gate knows is NaN
elsewhere, so \`max\` over processes is its value, and an alert compares with nothing while nobody holds the gate: watch
\`sum(playbook_gate_held)\` for that. A metric of a workflow is written when its task is done: a task that is repeated after a crash may be counted
twice. For what has to be exact, see \`playbook cost\` and the workflows' search attributes.

Written by \`npm run docs\` from \`src/contracts/metrics.ts\`.`;

function entry([name, info]: readonly [string, (typeof METRICS)[keyof typeof METRICS]]): string {
  const unit = 'unit' in info ? ` in ${info.unit}` : '';
  const labels = info.labels.length === 0 ? 'none' : info.labels.map((label) => `\`${label}\``).join(', ');
  const edges = 'edges' in info ? `\nBuckets: ${info.edges.join(', ')}.` : '';
  return `### ${name}\n\n${info.meaning}\n\nA ${info.kind}${unit}, from ${FROM[info.from]}. Labels: ${labels}.${edges}`;
}

const FROM = {
  worker: 'workers',
  holder: 'the worker that holds the gate',
  receiver: 'receivers',
  'every process': 'every process',
} as const;

/** `docs/metrics.md`, from the catalogue. */
export function metricsPage(): string {
  const labels = Object.entries(LABELS).map(([name, meaning]) => `- \`${name}\`: ${meaning}`);
  const sections = [
    INTRODUCTION,
    '## Ours',
    ...Object.entries(METRICS).map(entry),
    '## Labels',
    'Every one is bounded: by what is configured, or by a closed list of words. No job, unit, tag or sender makes a series of its own.',
    labels.join('\n'),
  ];
  return `${sections.join('\n\n')}\n`;
}
