import { fileURLToPath } from 'node:url';
import type { DataConverter, PayloadCodec } from '@temporalio/common';

const file = import.meta.url.endsWith('.ts') ? './failure-converter.ts' : './failure-converter.js';

/** The module workflow code is bundled with where its failures are to be encrypted, too. */
export const FAILURE_CONVERTER: string = fileURLToPath(new URL(file, import.meta.url));

/**
 * What worker and client take as `dataConverter` for Temporal to store nothing in the clear but ids, names and search attributes.
 * Workflow code makes failures, too: bundle it with the same `failureConverterPath`, or their messages stay readable (measured).
 */
export function encryptingDataConverter(codec: PayloadCodec): DataConverter {
  return { payloadCodecs: [codec], failureConverterPath: FAILURE_CONVERTER };
}
