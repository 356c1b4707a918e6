// Preloaded into a process whose clock is to be wrong: `CHAOS_CLOCK_MS` is by how much. The monotonic clock stays right. Plain
// JavaScript, so that the process starts as quickly as in production.
const offsetMs = Number(process.env.CHAOS_CLOCK_MS ?? '0');
const RightDate = Date;

class ShiftedDate extends RightDate {
  constructor(...args) {
    super(...(args.length === 0 ? [RightDate.now() + offsetMs] : args));
  }
  static now() {
    return RightDate.now() + offsetMs;
  }
}

if (offsetMs !== 0) {
  const { timeOrigin } = performance;
  globalThis.Date = ShiftedDate;
  Object.defineProperty(performance, 'timeOrigin', { value: timeOrigin + offsetMs });
}
