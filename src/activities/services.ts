import type { Json } from '../contracts/json.ts';
import type { Route } from '../contracts/states.ts';
import type { TokenJob } from '../definition/callback-token.ts';
import type { ContractOptions, Integration, ServiceConfig } from '../definition/index.ts';
import type { ServiceClient } from '../http/types.ts';

/** What is sent to the receiver of notifications. */
export interface NotificationEvent {
  /** The same however often it is sent. */
  readonly id: string;
  readonly type: string;
  /** ISO 8601. */
  readonly timestamp: string;
  readonly data: Json;
}

/** One service in one environment, ready to be called. */
export interface ServiceRuntime {
  readonly integration: Integration;
  readonly config: ServiceConfig;
  readonly client: ServiceClient;
  /** Where a job's webhooks go; absent when no receiver is configured. */
  readonly callbackUrl?: (job: TokenJob) => Promise<string>;
  /** The least pause between two polls of one job at present, in milliseconds, so that the polls of all of them fit into the cap. */
  readonly leastPollMs?: () => number;
  /** Whether the service is known to be down: what fails then was a probe and is no failure of its job. */
  readonly isDown?: () => boolean;
  /** Whether a read sent now would leave at once: this process holds the gate, and nothing waits before it. */
  readonly passesAtOnce?: () => boolean;
  /** Sends people a signed notification; absent where none is configured. @throws RequestFailed, PlaybookError */
  readonly notify?: (event: NotificationEvent, signal: AbortSignal) => Promise<void>;
  /** Told the fields of answers that the pinned schemas do not know. */
  readonly onUnknown?: ContractOptions['onUnknown'];
}

/** The services this process can call. */
export interface Services {
  /** @throws PlaybookError UNKNOWN_SERVICE */
  readonly get: (service: string, route: Route) => ServiceRuntime;
  /** Whether the environment has this route: a fallback is opted into. */
  readonly has: (service: string, route: Route) => boolean;
}
