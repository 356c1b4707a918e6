import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Stands before a token endpoint and remembers every access token that went through. */
export async function startTokenProxy(target: () => string): Promise<{
  readonly url: string;
  readonly tokens: readonly string[];
  readonly close: () => Promise<void>;
}> {
  const tokens: string[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const headers: Record<string, string> = { 'content-type': request.headers['content-type'] ?? '' };
      if (request.headers.authorization !== undefined) headers['authorization'] = request.headers.authorization;
      const answer = await fetch(target(), { method: 'POST', headers, body: Buffer.concat(chunks) });
      const text = await answer.text();
      const { access_token: token } = JSON.parse(text) as { readonly access_token?: string };
      if (token !== undefined) tokens.push(token);
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
    })();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tokens,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
