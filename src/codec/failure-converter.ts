import { DefaultFailureConverter } from '@temporalio/common';

/** Moves a failure's message and stack into a payload, where the codec encrypts them. Loaded by path, see `encryptingDataConverter`. */
export const failureConverter: DefaultFailureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
