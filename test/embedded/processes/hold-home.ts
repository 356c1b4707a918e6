/** A process that opens the home named by its argument and holds it until it is killed. */
import { openHome } from '../../../src/embedded/index.ts';

await openHome(process.argv[2] ?? '');
process.stdout.write('held\n');
setInterval(() => {}, 60_000);
