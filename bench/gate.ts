/**
 * What the gate holds under load and under every mishap, each with worker processes, a strict sandbox and a Temporal server of their own.
 * Everything stays on 127.0.0.1.
 *
 * `npm run bench:gate [-- steady-8 failover-SIGKILL …]`
 */
import { experiments } from './gate/experiments.ts';
import { startEnvironment } from './gate/environment.ts';

const names = process.argv.slice(2);
for (const name of names.length === 0 ? Object.keys(experiments) : names) {
  const experiment = experiments[name];
  if (experiment === undefined)
    throw new Error(`No experiment ${name}. There are: ${Object.keys(experiments).join(', ')}`);
  const env = await startEnvironment();
  try {
    console.log(name, await experiment(env));
  } finally {
    await env.close();
  }
}
