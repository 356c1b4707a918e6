/** Gathers items for one target and sends them together; whoever brought one learns what became of it. */
export interface Grouping<Item, Result> {
  /** Resolves, or rejects, as the sending of the group does. */
  readonly add: (target: string, item: Item) => Promise<Result>;
}

/** Most items of one group, and most bytes of their JSON: a signal is one payload. */
const MOST_ITEMS = 200;
const MOST_BYTES = 256 * 1024;

interface Group<Item, Result> {
  readonly items: Item[];
  bytes: number;
  timer: NodeJS.Timeout;
  /** When it is sent in any case, on the monotonic clock. */
  readonly untilMs: number;
  readonly sent: Promise<Result>;
  readonly flush: () => void;
}

/**
 * Makes a {@link Grouping}.
 * @param options.idleMs a group is sent once nothing has joined it for so long: a sender that waits for its answers is not held up
 * @param options.longestMs and after so long in any case
 */
export function createGrouping<Item, Result>(options: {
  readonly idleMs: number;
  readonly longestMs: number;
  readonly send: (target: string, items: readonly Item[]) => Promise<Result>;
}): Grouping<Item, Result> {
  const groups = new Map<string, Group<Item, Result>>();

  const open = (target: string): Group<Item, Result> => {
    const items: Item[] = [];
    let settle: (sending: Promise<Result>) => void;
    const sent = new Promise<Result>((resolve) => {
      settle = resolve;
    });
    const flush = (): void => {
      clearTimeout(group.timer);
      groups.delete(target);
      settle(options.send(target, items));
    };
    const group: Group<Item, Result> = {
      items,
      bytes: 0,
      timer: setTimeout(() => flush(), options.idleMs),
      untilMs: performance.now() + options.longestMs,
      sent,
      flush,
    };
    groups.set(target, group);
    return group;
  };

  return {
    add: (target, item) => {
      const bytes = Buffer.byteLength(JSON.stringify(item));
      let group = groups.get(target) ?? open(target);
      if (group.bytes + bytes > MOST_BYTES && group.items.length > 0) {
        group.flush();
        group = open(target);
      }
      group.items.push(item);
      group.bytes += bytes;
      if (group.items.length >= MOST_ITEMS) group.flush();
      else {
        clearTimeout(group.timer);
        group.timer = setTimeout(group.flush, Math.min(options.idleMs, group.untilMs - performance.now()));
      }
      return group.sent;
    },
  };
}
