import { PlaybookError } from '../../contracts/errors.ts';
import { nearestName } from '../../rules/nearest-name.ts';

/** A call that cannot be understood; says where to read on. */
export function badUsage(message: string, path: readonly string[]): PlaybookError {
  return new PlaybookError('BAD_USAGE', `${message} See \`${['playbook', ...path].join(' ')} --help\`.`);
}

/** ` Did you mean …?`, or nothing. */
export function didYouMean(name: string, known: readonly string[], show: (name: string) => string): string {
  const near = nearestName(name, known);
  return near === undefined ? '' : ` Did you mean ${show(near)}?`;
}
