/**
 * Batches against one workflow per job, with real HTTP and real kills: each experiment has a Temporal server, a worker, a webhook receiver and
 * an external stub in processes of their own. Everything stays on 127.0.0.1. Results: bench/RESULTS-batch.md.
 *
 * `npm run bench:batch [-- throughput capped …]`
 */
import { experiments } from './batch/experiments.ts';
import { quiet } from './batch/quiet.ts';

quiet();
const names = process.argv.slice(2);
for (const name of names.length === 0 ? Object.keys(experiments) : names) {
  const experiment = experiments[name];
  if (experiment === undefined)
    throw new Error(`No experiment ${name}. There are: ${Object.keys(experiments).join(', ')}`);
  console.log(name, JSON.stringify(await experiment(), undefined, 2));
}
process.exit(0);
