import type { JobState } from '../../contracts/states.ts';
import type { CliIo } from '../io.ts';

const COLORS: Readonly<Record<JobState | 'PENDING', number>> = {
  CREATED: 36,
  PROCESSING: 33,
  COMPLETED: 32,
  FAILED: 31,
  CANCELED: 35,
  PENDING: 33,
};

/** A state in a column of its own; coloured where colours are wanted. */
export function stateText(state: JobState | 'PENDING', io: CliIo): string {
  const padded = state.padEnd(10);
  return io.stdout.isTTY && !io.env['NO_COLOR'] ? `\u001B[${COLORS[state]}m${padded}\u001B[0m` : padded;
}

/** Seconds with one decimal. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Time of day, to the millisecond, in local time. */
export function timeOfDay(date: Date): string {
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()];
  const clock = parts.map((part) => String(part).padStart(2, '0')).join(':');
  return `${clock}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** Micro-dollars as dollars, without trailing noise. */
export function dollars(micros: number): string {
  return `$${(micros / 1e6).toFixed(6).replace(/0{1,4}$/, '')}`;
}

/** Micro-dollars to the cent, or exactly where they are less than that. */
export function money(micros: number): string {
  return micros % 10_000 === 0 || micros >= 1e6 ? `$${(micros / 1e6).toFixed(2)}` : dollars(micros);
}

const AGES: readonly (readonly [number, string, number, string])[] = [
  [86_400_000, 'd', 3_600_000, 'h'],
  [3_600_000, 'h', 60_000, 'min'],
  [60_000, 'min', 1_000, 's'],
];

/** A span of time to two units: `5 s`, `3 min 20 s`, `2 h 5 min`, `4 d 1 h`. */
export function age(ms: number): string {
  const fit = AGES.find(([unitMs]) => ms >= unitMs);
  if (fit === undefined) return `${Math.max(0, Math.round(ms / 1000))} s`;
  const [unitMs, unit, smallMs, small] = fit;
  const rest = Math.floor((ms % unitMs) / smallMs);
  return `${Math.floor(ms / unitMs)} ${unit}${rest === 0 ? '' : ` ${rest} ${small}`}`;
}

/** A moment, in UTC, to the second. */
export function clockTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** What a text of others may show on a terminal: no control characters. */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, '\uFFFD');
}

/** The first lines of a result's text, where it has one. */
export function firstLines(result: unknown, max: number): readonly string[] {
  const text = typeof result === 'object' && result !== null && 'text' in result ? result.text : undefined;
  if (typeof text !== 'string') return [];
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  return lines.slice(0, max).map((line) => printable(line.length > 160 ? `${line.slice(0, 160)}…` : line));
}

/** The page of one run in Temporal's Web UI. */
export function jobLink(uiUrl: string, namespace: string, workflowId: string, runId: string): string {
  return `${uiUrl}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}/${runId}/history`;
}
