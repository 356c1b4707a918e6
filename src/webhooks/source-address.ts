import { isIP } from 'node:net';

/**
 * Who a request counts against: the peer's address or, behind `trustedProxies` proxies of ours, the address the outermost of them
 * saw, which is that many entries from the end of X-Forwarded-For; what stands before it is the sender's own claim.
 * An IPv6 sender counts as its /64, since one customer has all of it.
 */
export function sourceAddress(
  peer: string | undefined,
  forwardedFor: string | string[] | undefined,
  trustedProxies: number,
): string {
  const hops = trustedProxies > 0 ? String(forwardedFor ?? '').split(',') : [];
  const claimed = hops.at(-trustedProxies)?.trim() ?? '';
  return grouped(trustedProxies <= hops.length && isIP(claimed) !== 0 ? claimed : (peer ?? 'unknown'));
}

function grouped(address: string): string {
  if (isIP(address) !== 6) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = address.split('::', 2);
  const groups = head === '' ? [] : head.split(':');
  const zeros = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  const all = [...groups, ...Array<string>(zeros).fill('0'), ...(tail ?? '').split(':')];
  return `${all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')}::/64`;
}
