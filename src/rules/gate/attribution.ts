/** Who a cost is for. */
export interface CostOwner {
  readonly unit?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** What was spent in one UTC day, in micro-dollars, by unit and by `tag=value`. Those left out are added up in the `other`s. */
export interface AttributionSnapshot {
  readonly day: number;
  readonly totalMicros: number;
  readonly units: Readonly<Record<string, number>>;
  readonly tags: Readonly<Record<string, number>>;
}

/** Adds up costs by owner, in bounded memory. */
export interface Attribution {
  readonly add: (owner: CostOwner, micros: number, nowMs: number) => void;
  readonly snapshot: (nowMs: number) => AttributionSnapshot;
}

const DAY_MS = 86_400_000;
/** Owners named; it travels in every heartbeat. */
const MOST_NAMED = 20;
/** Stands for everyone who is not named. No unit or tag is called so. */
export const OTHER = '*other*';

export function createAttribution(restored?: AttributionSnapshot): Attribution {
  let day = restored?.day ?? 0;
  let total = restored?.totalMicros ?? 0;
  let units = new Map(Object.entries(restored?.units ?? {}));
  let tags = new Map(Object.entries(restored?.tags ?? {}));

  const turn = (nowMs: number) => {
    const today = Math.floor(nowMs / DAY_MS);
    if (today <= day) return;
    day = today;
    total = 0;
    units = new Map();
    tags = new Map();
  };

  return {
    add: ({ unit, tags: owned }, micros, nowMs) => {
      turn(nowMs);
      total += micros;
      if (unit !== undefined) addTo(units, unit, micros);
      for (const [tag, value] of Object.entries(owned ?? {})) addTo(tags, `${tag}=${value}`, micros);
    },
    snapshot: (nowMs) => {
      turn(nowMs);
      return { day, totalMicros: total, units: Object.fromEntries(units), tags: Object.fromEntries(tags) };
    },
  };
}

/** A newcomer takes the place of the smallest, whose amount goes to the others: the sum always holds, the large stay named. */
function addTo(amounts: Map<string, number>, name: string, micros: number): void {
  const before = amounts.get(name);
  if (before === undefined && amounts.size - Number(amounts.has(OTHER)) >= MOST_NAMED) {
    const named = [...amounts].filter(([each]) => each !== OTHER);
    const [smallest, amount] = named.reduce((least, each) => (each[1] < least[1] ? each : least));
    amounts.delete(smallest);
    amounts.set(OTHER, (amounts.get(OTHER) ?? 0) + amount);
  }
  amounts.set(name, (before ?? 0) + micros);
}
