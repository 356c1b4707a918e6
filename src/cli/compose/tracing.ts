import { wantsTraces } from '../../tracing/enabled.ts';
import type { Tracing } from '../../tracing/index.ts';
import type { CliIo } from '../io.ts';
import { VERSION } from '../version.ts';
import type { Closing } from './closing.ts';
import type { Logging } from './logging.ts';

/**
 * Traces where OpenTelemetry's standard environment asks for it; otherwise nothing of it is even loaded.
 * @param name of the process, unless `OTEL_SERVICE_NAME` gives another
 * @throws PlaybookError CONFIG_INVALID
 */
export async function openTracing(
  io: CliIo,
  name: string,
  { logger, follow }: Logging,
  closing: Closing,
): Promise<Tracing | undefined> {
  if (!wantsTraces(io.env)) return undefined;
  const { startTracing } = await import('../../tracing/index.ts');
  const tracing = startTracing(name, VERSION);
  closing.add(() => tracing.close());
  follow(tracing.current);
  logger.info({}, 'Traces are sent to the collector of OTEL_EXPORTER_OTLP_ENDPOINT');
  return tracing;
}
