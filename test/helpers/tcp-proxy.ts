import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/**
 * What a way between two processes does with what is sent:
 * - `open` carries it.
 * - `blocked` carries nothing; connections stay, as when packets are dropped.
 * - `mute` carries what goes to the target and none of its answers: all is done, and nobody is told.
 * - `refusing` resets every connection, and each new one.
 * - `slow` carries it later, in order.
 */
export type WayMode = 'open' | 'blocked' | 'mute' | 'refusing' | 'slow';

/** A way to one TCP address that can be disturbed while it is used. */
export interface TcpProxy {
  /** `127.0.0.1:<port>`, in place of the target's own. */
  readonly address: string;
  readonly port: number;
  /** When something was last carried to the target, epoch milliseconds. */
  readonly lastSentMs: () => number;
  /** @param delayMs of `slow` */
  readonly set: (mode: WayMode, delayMs?: number) => void;
  readonly block: () => void;
  readonly unblock: () => void;
  readonly close: () => Promise<void>;
}

/** One direction of one connection. */
interface Lane {
  readonly from: Socket;
  readonly toTarget: boolean;
}

/** Starts a proxy before `target`, `host:port`. The target need not listen yet: connections are then refused. */
export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const [host = '', port = ''] = target.split(':');
  const lanes = new Set<Lane>();
  let mode: WayMode = 'open';
  let delayMs = 0;
  let lastSentMs = 0;

  const adjust = ({ from, toTarget }: Lane): void => {
    if (mode === 'refusing') from.resetAndDestroy();
    else if (mode === 'blocked' || (mode === 'mute' && !toTarget)) from.pause();
    else from.resume();
  };

  const carry = (from: Socket, to: Socket, toTarget: boolean): void => {
    const lane: Lane = { from, toTarget };
    const late: Buffer[] = [];
    let dueMs = 0;
    from.setNoDelay(true);
    from.on('data', (chunk: Buffer) => {
      if (toTarget) lastSentMs = Date.now();
      const nowMs = performance.now();
      dueMs = Math.max(dueMs, nowMs + (mode === 'slow' ? delayMs : 0));
      if (dueMs <= nowMs) {
        to.write(chunk);
        return;
      }
      // Whichever timer fires first takes the oldest: the order holds.
      late.push(chunk);
      setTimeout(() => to.write(late.shift() ?? ''), dueMs - nowMs);
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      lanes.delete(lane);
      to.destroy();
    });
    lanes.add(lane);
    adjust(lane);
  };

  const server = createServer((near) => {
    if (mode === 'refusing') {
      near.on('error', () => undefined).resetAndDestroy();
      return;
    }
    const far = connect(Number(port), host);
    carry(near, far, true);
    carry(far, near, false);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const set: TcpProxy['set'] = (next, nextDelayMs = 0) => {
    mode = next;
    delayMs = nextDelayMs;
    for (const lane of lanes) adjust(lane);
  };
  const { port: ownPort } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${ownPort}`,
    port: ownPort,
    lastSentMs: () => lastSentMs,
    set,
    block: () => set('blocked'),
    unblock: () => set('open'),
    close: async () => {
      for (const { from } of lanes) from.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
