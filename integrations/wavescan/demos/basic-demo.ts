/**
 * wavescan from a service, step by step. With `npx playbook up` in another terminal:
 *
 *   npx tsx integrations/wavescan/demos/basic-demo.ts [file.wav]
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { connectToTemporal, createPlaybookClient } from '../../../src/client/index.ts';
import { createWavescan } from '../src/client.ts';

const path = resolve(process.argv[2] ?? fileURLToPath(new URL('sample.wav', import.meta.url)));
const bytes = await readFile(path);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const recording = { uri: pathToFileURL(path).href, sha256, bytes: bytes.length, contentType: 'audio/wav' };

const { client, close } = await connectToTemporal();
try {
  const wavescan = createWavescan(createPlaybookClient(client));
  // The key is what makes it safe to run this twice: the same recording gets the job it already has.
  const answer = await wavescan.measure(recording, { key: `demo-${sha256.slice(0, 16)}`, maxWaitMs: 30_000 });
  if (answer.state === 'PENDING') console.log('PENDING   it goes on; run this again to hear of it');
  else if (answer.error !== null) console.log(`${answer.state}    ${answer.error.code}: ${answer.error.message}`);
  else {
    const { length_ms, peak_dbfs, rms_dbfs, waveform = [] } = answer.result ?? {};
    console.log(`COMPLETED ${length_ms} ms, peak ${peak_dbfs} dB, RMS ${rms_dbfs} dB for $${answer.costMicros / 1e6}`);
    console.log(waveform.map((level) => '▁▂▃▄▅▆▇█'[Math.min(7, Math.floor(level * 8))]).join(''));
  }
} finally {
  await close();
}
