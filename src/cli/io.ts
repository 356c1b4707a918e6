import type { WorkflowBundleOption } from '@temporalio/worker';
import type { MetricRecorder } from '../contracts/metric-recorder.ts';
import type { Bundle } from '../workers/bundles.ts';
import type { Logger } from '../logging/logger.ts';

/** What a process is prepared for. */
export interface RuntimeSetup {
  readonly logger: Logger;
  /** `host:port` where Prometheus finds the metrics; without it nothing is measured. */
  readonly metricsAddress: string | undefined;
}

/** Where a command writes. */
export interface Output {
  readonly write: (text: string) => void;
  readonly isTTY: boolean;
  /** Width of the terminal. @default 80 */
  readonly columns?: number;
}

/** Everything a command has of the process it runs in: tests give their own. */
export interface CliIo {
  /** Results only. */
  readonly stdout: Output;
  /** Progress, logs, errors. */
  readonly stderr: Output;
  readonly stdin: AsyncIterable<Uint8Array> & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Aborted by the first SIGINT or SIGTERM: the command ends in order. */
  readonly interrupt: AbortSignal;
  /**
   * Prepares the process for Temporal's native part, once, before the first connection: logger, metrics, and signals left to us.
   * @throws PlaybookError PORT_IN_USE where the metrics cannot be served
   */
  readonly installRuntime: (options: RuntimeSetup) => Promise<MetricRecorder>;
  /** The workflow code for workers. */
  readonly workflowBundle: (kind: Bundle) => Promise<WorkflowBundleOption>;
}
