/** Something that takes a place, and how to end it. */
interface Holder {
  readonly cut: () => void;
}

/** Places for concurrent work, fair among sources. */
export interface FairSlots {
  /**
   * Takes a place, always: when there are too many, the oldest holder of the source that holds most is cut off instead.
   * Honest senders are done in milliseconds, so the oldest is the one that dawdles, also where everybody shares one address.
   * @returns a function that gives the place back
   */
  readonly take: (source: string, cut: () => void) => () => void;
}

export function createFairSlots(limits: { readonly max: number; readonly maxPerSource: number }): FairSlots {
  const sources = new Map<string, Set<Holder>>(); // a Set keeps the order of arrival
  let held = 0;

  const release = (source: string, holder: Holder): void => {
    const holders = sources.get(source);
    if (!holders?.delete(holder)) return;
    held -= 1;
    if (holders.size === 0) sources.delete(source);
  };

  const cutOldest = (source: string, holders: ReadonlySet<Holder>): void => {
    const [oldest] = holders;
    if (!oldest) return;
    release(source, oldest);
    oldest.cut();
  };

  return {
    take: (source, cut) => {
      const holder = { cut };
      let holders = sources.get(source);
      if (!holders) sources.set(source, (holders = new Set()));
      holders.add(holder);
      held += 1;
      if (holders.size > limits.maxPerSource) cutOldest(source, holders);
      else if (held > limits.max) cutOldest(...largest(sources));
      return () => release(source, holder);
    },
  };
}

function largest(sources: ReadonlyMap<string, ReadonlySet<Holder>>): [string, ReadonlySet<Holder>] {
  let found: [string, ReadonlySet<Holder>] = ['', new Set()];
  for (const entry of sources) if (entry[1].size > found[1].size) found = entry;
  return found;
}
