/** A process that embeds a server in the home of its first argument, prints address and pid, and stays until it is killed. */
import { openHome, startTemporalServer } from '../../../src/embedded/index.ts';
import { freePort } from '../../../src/embedded/ports.ts';

const [, , path = '', executable = ''] = process.argv;
const home = await openHome(path);
const ports = { port: await freePort(), uiPort: await freePort() };
const { address, pid } = await startTemporalServer({ home, executable, searchAttributes: [], ...ports });
process.stdout.write(`${address} ${pid}\n`);
