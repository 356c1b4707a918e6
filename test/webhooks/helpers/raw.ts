import { connect } from 'node:net';

/** Sends raw bytes, piece by piece, and resolves with the status of the first answer and all that came back, or status 0 if none came. */
export async function sendRaw(
  port: number,
  pieces: readonly (string | Buffer)[],
  gapMs = 0,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    let stopped = false;
    const done = (): void => {
      stopped = true;
      socket.destroy();
      const status = /^HTTP\/1\.1 (?!100)(\d{3})/m.exec(text)?.[1];
      resolve({ status: Number(status ?? 0), text });
    };
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      // A complete answer: its head is there and so is the body's end.
      if (/\r\n\r\n.*\}$/s.test(text)) done();
    });
    socket.on('close', done);
    socket.on('error', () => undefined);
    void (async () => {
      for (const piece of pieces) {
        if (stopped) return;
        socket.write(piece);
        if (gapMs > 0) await new Promise((next) => setTimeout(next, gapMs));
      }
    })();
  });
}
