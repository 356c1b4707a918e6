import { connectToTemporal, createPlaybookClient } from '../../../src/client/index.ts';
import { createDocproc } from '../src/client.ts';

const [path = 'letter.pdf', customer = 'acme'] = process.argv.slice(2);
const { client, close } = await connectToTemporal();
const docproc = createDocproc(createPlaybookClient(client));

// The key makes this safe to repeat: the same key and document are the same job, running or finished.
const key = `invoice-2041-${customer}`;
const answer = await docproc.extractText(path, { key, unit: customer, maxWaitMs: 30_000 });

if (answer.state === 'PENDING') {
  console.log(`${answer.workflowId} goes on; ask again with the same key`);
} else if (answer.error !== null) {
  console.log(`${answer.state} ${answer.error.code}: ${answer.error.message}`);
} else {
  console.log(answer.result?.text);
}
await close();
