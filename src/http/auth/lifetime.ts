/** A token whose lifetime the server does not say: short enough to be safe, long enough not to be a burden. */
const DEFAULT_LIFETIME_MS = 300_000;
/** A lifetime of 0 or less would ask for a token with every request. */
const MIN_LIFETIME_MS = 10_000;
/** A token said to live for 30,000 years is asked for anew every day. */
const MAX_LIFETIME_MS = 86_400_000;

/** Milliseconds a token lives, from whatever the server put into `expires_in` (seconds): absent or unreadable is the default, absurd is clamped. */
export function lifetimeMs(expiresIn: unknown): number {
  const seconds = typeof expiresIn === 'string' && expiresIn.trim() !== '' ? Number(expiresIn) : expiresIn;
  if (typeof seconds !== 'number' || Number.isNaN(seconds)) return DEFAULT_LIFETIME_MS;
  return Math.min(MAX_LIFETIME_MS, Math.max(MIN_LIFETIME_MS, seconds * 1000));
}

/**
 * Milliseconds after issue at which to fetch the next token: `lifetime − margin`, margin being 30 s or 20 % of the lifetime,
 * whichever is more, enlarged by up to a half so that many processes do not ask together; never before half of the lifetime.
 * @param random from 0 (inclusive) to 1.
 */
export function refreshAfterMs(lifetime: number, random: number): number {
  const margin = Math.max(30_000, lifetime * 0.2) * (1 + random / 2);
  return Math.max(lifetime / 2, lifetime - margin);
}
