import type { ServiceClock } from '../clock.ts';
import type { Engine } from '../engine.ts';
import type { SandboxConfig } from '../options.ts';
import type { Shape } from '../shape/shape.ts';
import type { BlobStore } from '../state/blobs.ts';
import type { Store } from '../state/store.ts';
import type { Work } from '../work/work.ts';

/** What the operations work with. */
export interface OperationContext {
  readonly config: SandboxConfig;
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly engine: Engine;
  readonly shape: Shape;
  readonly work: Work;
  readonly clock: ServiceClock;
}
