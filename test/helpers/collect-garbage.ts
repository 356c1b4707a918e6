import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Collects all garbage now: what only a weak reference holds is gone afterwards. */
export function collectGarbage(): void {
  collect();
}
