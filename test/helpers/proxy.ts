import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';

/** What passes by, to be changed in place. */
export interface Passing {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  body: Buffer;
}

/** A proxy in front of a service: `onRequest` sees every request and may change it. A broken answer stays broken. */
export async function startProxy(
  target: string,
  onRequest: (passing: Passing) => void,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const server = createServer((incoming, outgoing) => {
    const pass = async (): Promise<void> => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const {
        host: _,
        connection: __,
        'content-length': ___,
        'transfer-encoding': ____,
        ...headers
      } = incoming.headers;
      const passing: Passing = {
        method: incoming.method ?? 'GET',
        path: incoming.url ?? '/',
        headers,
        body: Buffer.concat(chunks),
      };
      onRequest(passing);
      const answer = await request(`${target}${passing.path}`, {
        method: passing.method as 'GET',
        headers: passing.headers,
        ...(passing.body.length === 0 ? {} : { body: passing.body }),
      });
      const bytes = Buffer.from(await answer.body.arrayBuffer());
      outgoing.writeHead(answer.statusCode, withoutHop(answer.headers)).end(bytes);
    };
    pass().catch(() => incoming.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Headers that belong to one connection, or follow from the body. */
function withoutHop(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const own = ['host', 'connection', 'keep-alive', 'content-length', 'transfer-encoding'];
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !own.includes(name)));
}
