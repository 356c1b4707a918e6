import { parentPort } from 'node:worker_threads';
import { extractPdf } from './extract-pdf.ts';

parentPort?.on('message', (bytes: Uint8Array) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
  void extractPdf(bytes).then((extraction) => parentPort?.postMessage(extraction));
});
