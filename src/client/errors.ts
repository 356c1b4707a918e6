import { isGrpcServiceError, NamespaceNotFoundError, ServiceError } from '@temporalio/client';
import { PlaybookError } from '../contracts/errors.ts';

const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const PERMISSION_DENIED = 7;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;

/** Temporal's refusals in our words, and data that cannot be read without a key; anything else is passed on unchanged. */
export function translated(error: unknown): unknown {
  if (error instanceof Error && error.message.startsWith('Unknown encoding: binary/encrypted')) {
    return new PlaybookError(
      'SECRET_UNAVAILABLE',
      'Temporal holds encrypted data here, and this process has no key. Set PLAYBOOK_CODEC_KEYS as the workers have it.',
      { cause: error },
    );
  }
  if (error instanceof NamespaceNotFoundError) {
    return new PlaybookError(
      'SETUP_MISSING',
      `Temporal has no namespace ${error.namespace}. Check TEMPORAL_NAMESPACE, or create it; a server that has just started needs a moment.`,
      { cause: error },
    );
  }
  const grpc = error instanceof ServiceError ? error.cause : error;
  if (!isGrpcServiceError(grpc)) return error;
  const code: number = grpc.code;
  if (code === INVALID_ARGUMENT && /search attribute/i.test(grpc.details)) {
    return new PlaybookError(
      'SETUP_MISSING',
      'This Temporal namespace lacks Playbook’s search attributes. Run `playbook setup`.',
      {
        cause: error,
      },
    );
  }
  if (code === UNAVAILABLE || code === DEADLINE_EXCEEDED) {
    return new PlaybookError(
      'TEMPORAL_UNREACHABLE',
      `Temporal does not answer (${code === UNAVAILABLE ? 'unavailable' : 'deadline exceeded'}). Check TEMPORAL_ADDRESS and the server.`,
      { cause: error },
    );
  }
  if (code === UNAUTHENTICATED || code === PERMISSION_DENIED) {
    return new PlaybookError(
      'TEMPORAL_UNREACHABLE',
      `Temporal turns this process away (${code === UNAUTHENTICATED ? 'unauthenticated' : 'permission denied'}). Check TEMPORAL_API_KEY or the client's certificate, and what they may do.`,
      { cause: error },
    );
  }
  return error;
}

/** Runs a call to Temporal with its errors translated. */
export async function translating<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw translated(error);
  }
}
