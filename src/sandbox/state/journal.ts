import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { SandboxError } from '../sandbox-error.ts';
import type { Change } from './entities.ts';

/** An append-only file of changes. One line is one transaction. */
export interface Journal {
  /** Returns once the operating system has the line: it survives `kill -9` of this process. */
  readonly append: (changes: readonly Change[]) => void;
  /** Replaces the whole file by one transaction a change, atomically. */
  readonly rewrite: (changes: Iterable<Change>) => void;
  readonly close: () => void;
}

/** For a sandbox without a state file. */
export const noJournal: Journal = { append: () => undefined, rewrite: () => undefined, close: () => undefined };

/**
 * Reads every transaction of a journal. A last line that was torn by a crash never had its answer sent and is dropped.
 *
 * @throws SandboxError STATE_CORRUPT when any other line is unreadable
 */
export function readJournal(path: string): Change[][] {
  // What follows the last line break is empty, or torn.
  const lines = readIfThere(path).split('\n').slice(0, -1);
  const transactions: Change[][] = [];
  for (const [index, line] of lines.entries()) {
    try {
      transactions.push(JSON.parse(line) as Change[]);
    } catch (cause) {
      throw new SandboxError(
        'STATE_CORRUPT',
        `The sandbox's state file ${path} is unreadable at line ${index + 1}: restore it from a copy, or delete it to start empty`,
        { cause },
      );
    }
  }
  return transactions;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function writeFully(fd: number, text: string): void {
  const bytes = Buffer.from(text, 'utf8');
  for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written);
}

/** Opens a journal for appending. Once closed it refuses: the number of its file may belong to another file by then. */
export function openJournal(path: string): Journal {
  mkdirSync(dirname(path), { recursive: true });
  let fd = openSync(path, 'a');
  let isOpen = true;
  return {
    append: (changes) => {
      if (!isOpen) throw new Error('the journal is closed');
      writeFully(fd, `${JSON.stringify(changes)}\n`);
    },
    rewrite: (changes) => {
      const draft = `${path}.new`;
      const draftFd = openSync(draft, 'w');
      for (const change of changes) writeFully(draftFd, `${JSON.stringify([change])}\n`);
      fsyncSync(draftFd);
      closeSync(draftFd);
      renameSync(draft, path);
      closeSync(fd);
      fd = openSync(path, 'a');
    },
    close: () => {
      isOpen = false;
      closeSync(fd);
    },
  };
}
