/**
 * docproc from a service, step by step. With `npx playbook up` in another terminal:
 *
 *   npx tsx integrations/docproc/demos/basic-demo.ts [file]
 */
import { fileURLToPath } from 'node:url';
import { connectToTemporal, createPlaybookClient } from '../../../src/client/index.ts';
import { createDocproc } from '../src/client.ts';
import { documentFromFile } from '../src/document.ts';

const path = process.argv[2] ?? fileURLToPath(new URL('sample.pdf', import.meta.url));
const { client, close } = await connectToTemporal();
try {
  const docproc = createDocproc(createPlaybookClient(client));

  // The key is what makes it safe to run this twice: the same document gets the job it already has.
  const document = await documentFromFile(path);
  const key = `demo-${document.sha256.slice(0, 16)}`;
  const job = await docproc.startExtraction(document, { key, unit: 'demo' });
  console.log(`started   ${job.workflowId}`);

  const { externalId } = await job.waitUntilAccepted();
  console.log(`accepted  docproc calls it ${externalId}`);

  const answer = await job.result({ maxWaitMs: 30_000 });
  if (answer.state === 'PENDING') console.log('PENDING   it goes on; run this again to hear of it');
  else if (answer.error !== null) console.log(`${answer.state}    ${answer.error.code}: ${answer.error.message}`);
  else {
    console.log(`COMPLETED ${answer.result?.pages} page(s) in ${answer.latencyMs} ms for $${answer.costMicros / 1e6}`);
    console.log(answer.result?.text ?? `a large text: ${answer.result?.artifactUrl}`);
  }
} finally {
  await close();
}
