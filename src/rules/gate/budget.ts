import type { Budget as BudgetLimits } from '../../contracts/control.ts';

type BudgetWindow = 'hourly' | 'daily';

/** Windows are aligned to UTC. */
const WINDOWS: readonly { readonly name: BudgetWindow; readonly lengthMs: number; readonly key: keyof BudgetLimits }[] =
  [
    { name: 'hourly', lengthMs: 3_600_000, key: 'hourlyMicros' },
    { name: 'daily', lengthMs: 86_400_000, key: 'dailyMicros' },
  ];
/** Share of a budget from which on people are told. */
const ALARM_SHARE = 0.8;

export interface BudgetWindowView {
  readonly window: BudgetWindow;
  readonly spentMicros: number;
  readonly limitMicros?: number;
  /** When it starts anew, epoch milliseconds. */
  readonly turnsAtMs: number;
}

/** Told once per window and level. */
export interface BudgetAlarm extends BudgetWindowView {
  readonly limitMicros: number;
  readonly level: 'near' | 'exhausted';
}

export interface BudgetSnapshot {
  readonly seq: number;
  /** Per window: which one it is, counted from the epoch; what is spent or set aside, in micro-dollars; the level told. */
  readonly windows: Readonly<
    Record<BudgetWindow, { readonly index: number; readonly micros: number; readonly told: number }>
  >;
}

/** Why nothing may be spent. */
type BudgetRefusal =
  | { readonly why: 'exhausted'; readonly window: BudgetWindowView }
  /** The next acknowledged snapshot sets more aside. */
  | { readonly why: 'not-set-aside' };

/**
 * Spending limits. What may be spent has first been set aside in a snapshot that is known to be kept: whoever takes over after a
 * crash counts all of it as spent, so nothing is ever spent twice, and at most what was set aside stays unspent in that window.
 */
export interface Budget {
  readonly setLimits: (limits: BudgetLimits, nowMs: number) => void;
  /** Whether `micros` may be spent now; undefined when so. */
  readonly refusal: (micros: number, nowMs: number) => BudgetRefusal | undefined;
  /** Spends, without asking: requests of jobs that are paid for go on. Negative amounts correct an estimate. */
  readonly spend: (micros: number, nowMs: number) => void;
  /** Sets `aheadMicros` aside on top of what is spent; spendable once {@link acknowledged}. */
  readonly reserveAhead: (aheadMicros: number, nowMs: number) => BudgetSnapshot;
  /** The snapshot with this number is kept. */
  readonly acknowledged: (seq: number) => void;
  /** What is spent and no more: the last word before handing over. */
  readonly final: (nowMs: number) => BudgetSnapshot;
  /** Alarms not told before. */
  readonly takeAlarms: (nowMs: number) => BudgetAlarm[];
  readonly view: (nowMs: number) => BudgetWindowView[];
}

interface Account {
  index: number;
  spent: number;
  /** Set aside in the latest snapshot, spent included. */
  setAside: number;
  /** Of that, known to be kept. */
  spendable: number;
  told: number;
}

export function createBudget(initial: BudgetLimits, restored?: BudgetSnapshot): Budget {
  let limits = initial;
  let seq = restored?.seq ?? 0;
  const accounts = WINDOWS.map((window) => {
    const kept = restored?.windows[window.name];
    const micros = kept?.micros ?? 0;
    const account: Account = {
      index: kept?.index ?? 0,
      spent: micros,
      setAside: micros,
      spendable: micros,
      told: kept?.told ?? 0,
    };
    return { ...window, account };
  });
  type Ledger = (typeof accounts)[number];
  let sent: { readonly seq: number; readonly setAside: readonly { index: number; micros: number }[] }[] = [];

  const turn = (nowMs: number) => {
    for (const { account, lengthMs } of accounts) {
      const index = Math.floor(nowMs / lengthMs);
      // A clock that is behind the predecessor's must not open a window anew.
      if (index > account.index) Object.assign(account, { index, spent: 0, setAside: 0, spendable: 0, told: 0 });
    }
  };

  const viewOf = ({ name, key, lengthMs, account }: Ledger): BudgetWindowView => ({
    window: name,
    spentMicros: account.spent,
    ...(limits[key] === undefined ? {} : { limitMicros: limits[key] }),
    turnsAtMs: (account.index + 1) * lengthMs,
  });

  /** A request that costs nothing is refused, too, once the limit is reached. */
  const exhausted = ({ key, account }: Ledger, micros: number) =>
    limits[key] !== undefined && account.spent + Math.max(1, micros) > limits[key];

  const levelOf = ({ key, account }: Ledger) => {
    const limit = limits[key];
    if (limit === undefined || account.spent < limit * ALARM_SHARE) return 0;
    return account.spent < limit ? 1 : 2;
  };

  const snapshot = (): BudgetSnapshot => {
    seq += 1;
    const entries = accounts.map(
      ({ name, account: { index, setAside, told } }) => [name, { index, micros: setAside, told }] as const,
    );
    return { seq, windows: Object.fromEntries(entries) as BudgetSnapshot['windows'] };
  };

  return {
    setLimits: (next, nowMs) => {
      turn(nowMs);
      limits = next;
      for (const ledger of accounts) ledger.account.told = Math.min(ledger.account.told, levelOf(ledger));
    },
    refusal: (micros, nowMs) => {
      turn(nowMs);
      const spent = accounts.filter((ledger) => exhausted(ledger, micros));
      const last = spent.at(-1);
      if (last !== undefined) return { why: 'exhausted', window: viewOf(last) };
      const waiting = accounts.some(
        ({ key, account }) => limits[key] !== undefined && account.spent + micros > account.spendable,
      );
      return waiting ? { why: 'not-set-aside' } : undefined;
    },
    spend: (micros, nowMs) => {
      turn(nowMs);
      for (const { account } of accounts) account.spent = Math.max(0, account.spent + micros);
    },
    reserveAhead: (aheadMicros, nowMs) => {
      turn(nowMs);
      for (const { account, key } of accounts) {
        const limit = limits[key];
        const ahead = limit === undefined ? account.spent : Math.min(limit, account.spent + aheadMicros);
        // Never less than before: the earlier amount may be spendable still.
        account.setAside = Math.max(account.setAside, account.spent, ahead);
      }
      const taken = snapshot();
      sent.push({
        seq: taken.seq,
        setAside: accounts.map(({ account: { index, setAside } }) => ({ index, micros: setAside })),
      });
      // More than a few are only under way while none arrives.
      sent = sent.slice(-16);
      return taken;
    },
    acknowledged: (kept) => {
      const acknowledged = sent.find((each) => each.seq === kept);
      sent = sent.filter((each) => each.seq > kept);
      acknowledged?.setAside.forEach(({ index, micros }, i) => {
        const account = accounts[i]?.account;
        if (account?.index === index) account.spendable = Math.max(account.spendable, micros);
      });
    },
    final: (nowMs) => {
      turn(nowMs);
      for (const { account } of accounts) account.setAside = account.spendable = account.spent;
      return snapshot();
    },
    takeAlarms: (nowMs) => {
      turn(nowMs);
      return accounts.flatMap((ledger) => {
        const level = levelOf(ledger);
        const limitMicros = limits[ledger.key];
        if (level <= ledger.account.told || limitMicros === undefined) return [];
        ledger.account.told = level;
        return [{ ...viewOf(ledger), limitMicros, level: level === 2 ? ('exhausted' as const) : ('near' as const) }];
      });
    },
    view: (nowMs) => {
      turn(nowMs);
      return accounts.map(viewOf);
    },
  };
}
