/** First in, first out for each unit, and the units in turn: one unit's flood does not hold up the others. */
export interface FairQueue<Item> {
  readonly size: number;
  readonly push: (unit: string, item: Item) => void;
  /** The next unit's oldest item. */
  readonly shift: () => Item | undefined;
  readonly remove: (unit: string, item: Item) => boolean;
  /** All items, in no particular order; removing while iterating is allowed. */
  readonly items: () => Item[];
  /** Empties the queue. */
  readonly drain: () => Item[];
}

/** Makes an empty {@link FairQueue}. */
export function createFairQueue<Item>(): FairQueue<Item> {
  // Insertion order is the order of turns: a served unit goes to the end.
  const units = new Map<string, Item[]>();
  let size = 0;
  return {
    get size() {
      return size;
    },
    push: (unit, item) => {
      const items = units.get(unit);
      if (items === undefined) units.set(unit, [item]);
      else items.push(item);
      size += 1;
    },
    shift: () => {
      const first = units.entries().next();
      if (first.done) return undefined;
      const [unit, items] = first.value;
      const item = items.shift();
      units.delete(unit);
      if (items.length > 0) units.set(unit, items);
      size -= 1;
      return item;
    },
    remove: (unit, item) => {
      const items = units.get(unit);
      const at = items?.indexOf(item) ?? -1;
      if (items === undefined || at < 0) return false;
      items.splice(at, 1);
      if (items.length === 0) units.delete(unit);
      size -= 1;
      return true;
    },
    items: () => [...units.values()].flat(),
    drain: () => {
      const all = [...units.values()].flat();
      units.clear();
      size = 0;
      return all;
    },
  };
}
