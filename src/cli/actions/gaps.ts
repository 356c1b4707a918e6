import { join } from 'node:path';
import { closeGap, isOpen, nextGap, readGaps } from '../../authoring/gaps.ts';
import type { Gap } from '../../authoring/gaps.ts';
import { writeWhole } from '../../authoring/write-whole.ts';
import { projectAt, readGapFile, serviceFolder } from '../compose/project.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { columns } from '../output/job-text.ts';

export interface GapOptions {
  readonly service: string;
  readonly project: string | undefined;
  readonly json: boolean;
}

/** All gaps of a service, or the one to look into next. */
export async function showGaps(
  io: CliIo,
  { which, ...options }: GapOptions & { readonly which: 'list' | 'next' },
): Promise<ExitCode> {
  const gaps = readGaps((await gapFile(io, options)).text);
  const next = nextGap(gaps);
  const shown = which === 'list' ? gaps : next === undefined ? [] : [next];
  if (options.json) for (const gap of shown) io.stdout.write(`${JSON.stringify(gap)}\n`);
  else if (which === 'list') io.stdout.write(list(gaps));
  else io.stdout.write(next === undefined ? 'No gap is open.\n' : details(next));
  return EXIT.ok;
}

/** Writes down what was found out. */
export async function closeOne(
  io: CliIo,
  {
    number,
    finding,
    documented,
    ...options
  }: GapOptions & { readonly number: number; readonly finding: string; readonly documented: boolean },
): Promise<ExitCode> {
  const { path, text } = await gapFile(io, options);
  const changed = closeGap(text, number, { finding, status: documented ? 'Documented' : 'Closed' });
  await writeWhole(path, changed);
  const gap = readGaps(changed).find((one) => one.number === number);
  io.stdout.write(options.json ? `${JSON.stringify(gap)}\n` : `Gap ${number} is ${gap?.status.toLowerCase()}.\n`);
  return EXIT.ok;
}

async function gapFile(
  io: CliIo,
  { service, project }: Omit<GapOptions, 'json'>,
): Promise<{ readonly path: string; readonly text: string }> {
  const path = join(await serviceFolder(projectAt(io, project), service), 'context-gaps.md');
  return { path, text: await readGapFile(path) };
}

function list(gaps: readonly Gap[]): string {
  const rows = gaps.map(({ number, priority, status, area, question }) => [
    String(number),
    priority,
    status,
    area,
    question,
  ]);
  const open = gaps.filter(isOpen).length;
  return `${columns([['#', 'PRIORITY', 'STATUS', 'AREA', 'QUESTION'], ...rows])}${open} of ${gaps.length} open.\n`;
}

function details(gap: Gap): string {
  return `Gap ${gap.number} (${gap.priority}, ${gap.area}, ${gap.owner}): ${gap.question}\n  ${gap.finding}\n`;
}
