/** A process that supervises the command its arguments give, prints that command's process id, and stays until it is killed. */
import { supervise } from '../../../src/embedded/supervise.ts';

const command = await supervise(process.argv.slice(2), process.env, () => {});
process.stdout.write(`${command.identity.pid}\n`);
