import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import {
  connect,
  createSecureServer,
  type ClientHttp2Session,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Certificates } from './certificates.ts';

/** Whom a {@link SecuredTemporal} lets in. */
export interface Security {
  /** Only clients with a certificate of our authority. */
  readonly mutual?: boolean;
  /** Only calls with this API key. */
  readonly apiKey?: string;
}

/** A Temporal server behind TLS that asks who is calling. */
export interface SecuredTemporal {
  readonly address: string;
  readonly close: () => Promise<void>;
}

/** Puts TLS before a plain Temporal server, `host:port`, and turns away whom {@link Security} does not name. */
export async function startSecuredTemporal(
  target: string,
  { ca, server: { cert, key } }: Certificates,
  { mutual = false, apiKey }: Security,
): Promise<SecuredTemporal> {
  const upstream = connect(`http://${target}`);
  upstream.on('error', () => undefined);
  const [caPem, certPem, keyPem] = await Promise.all([ca, cert, key].map((path) => readFile(path)));
  const server = createSecureServer({
    ca: caPem,
    cert: certPem,
    key: keyPem,
    requestCert: mutual,
    rejectUnauthorized: mutual,
  });
  const sessions = new Set<Http2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined);
    session.once('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    if (apiKey !== undefined && headers.authorization !== `Bearer ${apiKey}`) {
      const status = { 'grpc-status': '16', 'grpc-message': 'Request unauthorized.' };
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...status }, { endStream: true });
    } else forward(stream, headers, upstream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const session of sessions) session.destroy();
      upstream.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Carries one call of gRPC, with the trailers that say how it ended. */
function forward(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, upstream: ClientHttp2Session): void {
  const call = upstream.request({ ...headers, ':scheme': 'http' });
  let trailers: IncomingHttpHeaders = {};
  call.on('trailers', (received) => (trailers = received));
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  call.on('response', (received, flags) => {
    const isWhole = (flags & 1) !== 0; // END_STREAM: nothing follows
    if (!stream.destroyed) stream.respond(received, isWhole ? { endStream: true } : { waitForTrailers: true });
    if (!isWhole) call.pipe(stream);
  });
  call.on('error', () => stream.close());
  stream.once('close', () => call.close(stream.rstCode));
  stream.pipe(call);
}
