import { defaultGrpcRetryOptions, makeGrpcRetryInterceptor, type ConnectionOptions } from '@temporalio/client';

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];
type Call = ReturnType<Interceptor>;

const CANCELLED = 1;

/** Interceptors of a connection, and what to call right before that is closed. */
export interface Closable {
  readonly interceptors: Interceptor[];
  readonly closing: () => void;
}

/**
 * The SDK's own retries, made safe to close under. They are timers that do not know of it: one that fires afterwards throws
 * "Channel has been shut down" where nobody can catch it, and ends the process (SDK 1.24, grpc-retry.ts). So once the
 * connection is closing, an attempt ends as cancelled without reaching the channel, and none follows.
 */
export function closable(): Closable {
  let closed = false;
  return {
    closing: () => {
      closed = true;
    },
    interceptors: [
      makeGrpcRetryInterceptor(defaultGrpcRetryOptions()),
      (options, nextCall) => (closed ? canceledCall() : (nextCall(options) as Call)),
    ],
  };
}

/** As much of gRPC's listener as a call needs to end. */
interface Listener {
  readonly onReceiveMessage: (message: null) => void;
  readonly onReceiveStatus: (status: { code: number; details: string; metadata: unknown }) => void;
}

function nothing(): void {
  // whatever is sent on a call that is over
}

/** A call that is over as soon as it is started. */
function canceledCall(): Call {
  return {
    start: (metadata: unknown, listener: Listener) => {
      listener.onReceiveMessage(null);
      listener.onReceiveStatus({ code: CANCELLED, details: 'The connection was closed.', metadata });
    },
    sendMessage: nothing,
    sendMessageWithContext: nothing,
    startRead: nothing,
    halfClose: nothing,
    cancelWithStatus: nothing,
  } as unknown as Call;
}
