import { hostname, userInfo } from 'node:os';

/** Who gives a command, as far as the system knows: `user@host`. A statement, not a proof. */
export function currentActor(): string {
  return `${currentUser()}@${hostname()}`;
}

/** The name of who gives a command. */
export function currentUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`; // a container whose user has no entry
  }
}
