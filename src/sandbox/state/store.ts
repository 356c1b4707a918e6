import type { Change, Entities, EntityKind, Job } from './entities.ts';
import { noJournal, openJournal, readJournal } from './journal.ts';

/** The service's records. What `commit` has returned from survives a crash, where there is a state file. */
export interface Store {
  readonly get: <K extends EntityKind>(kind: K, id: string) => Entities[K] | undefined;
  readonly all: <K extends EntityKind>(kind: K) => Iterable<Entities[K]>;
  /** Writes the changes down, all or none, then applies them. */
  readonly commit: (changes: readonly Change[]) => void;
  /** The revision the next changed job gets. */
  readonly nextRevision: () => number;
  /** Jobs in order of their last change, from after `revision`. A job that changes meanwhile is met again, never missed. */
  readonly changedAfter: (revision: number) => Iterable<Job>;
  readonly close: () => void;
}

type Tables = { [K in EntityKind]: Map<string, Entities[K]> };

const kinds: readonly EntityKind[] = ['file', 'job', 'answer', 'delivery', 'gone'];

/**
 * Opens the store: in memory, or loaded from the journal at `path`, which is compacted on the way.
 *
 * @throws SandboxError STATE_CORRUPT
 */
export function openStore(path: string | undefined, nowMs: number): Store {
  const tables: Tables = { file: new Map(), job: new Map(), answer: new Map(), delivery: new Map(), gone: new Map() };
  let revisions: { readonly revision: number; readonly id: string }[] = [];
  let lastRevision = 0;

  const apply = ([kind, id, value]: Change): void => {
    const table = tables[kind] as Map<string, unknown>;
    if (value === null) table.delete(id);
    else table.set(id, value);
  };

  if (path !== undefined) for (const transaction of readJournal(path)) transaction.forEach(apply);
  for (const [id, answer] of tables.answer) if (answer.expiresAtMs <= nowMs) tables.answer.delete(id);
  const journal = path === undefined ? noJournal : openJournal(path);
  journal.rewrite(
    kinds.flatMap((kind) => [...tables[kind]].map(([id, value]) => [kind, id, value] as unknown as Change)),
  );
  revisions = [...tables.job.values()]
    .map(({ revision, id }) => ({ revision, id }))
    .toSorted((a, b) => a.revision - b.revision);
  lastRevision = revisions.at(-1)?.revision ?? 0;

  /** The first position whose revision is above the given one. */
  const positionAfter = (revision: number): number => {
    let low = 0;
    let high = revisions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((revisions[middle]?.revision ?? 0) > revision) high = middle;
      else low = middle + 1;
    }
    return low;
  };

  return {
    get: (kind, id) => tables[kind].get(id),
    all: (kind) => tables[kind].values(),
    commit: (changes) => {
      journal.append(changes);
      for (const change of changes) {
        apply(change);
        if (change[0] === 'job' && change[2] !== null) revisions.push({ revision: change[2].revision, id: change[1] });
      }
    },
    nextRevision: () => {
      lastRevision += 1;
      return lastRevision;
    },
    *changedAfter(revision) {
      for (let position = positionAfter(revision); position < revisions.length; position += 1) {
        const entry = revisions[position];
        const job = entry === undefined ? undefined : tables.job.get(entry.id);
        if (job !== undefined && job.revision === entry?.revision) yield job;
      }
    },
    close: journal.close,
  };
}
