import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';

/** What is killed on purpose is not news. */
export function quiet(): void {
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
    shutdownSignals: [],
  });
}
