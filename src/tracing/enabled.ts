import { PlaybookError } from '../contracts/errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Whether OpenTelemetry's standard environment asks for traces: by the address of a collector, or by `OTEL_TRACES_EXPORTER`.
 * @throws PlaybookError CONFIG_INVALID for an exporter or a protocol there is none of here
 */
export function wantsTraces(env: Environment): boolean {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return false;
  const exporter = env['OTEL_TRACES_EXPORTER'] ?? '';
  if (exporter === 'none') return false;
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? '';
  if (exporter === '' && endpoint === '') return false;
  if (exporter !== '' && exporter !== 'otlp') {
    throw new PlaybookError('CONFIG_INVALID', `OTEL_TRACES_EXPORTER must be otlp or none (got ${exporter}).`);
  }
  const protocol = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ?? env['OTEL_EXPORTER_OTLP_PROTOCOL'] ?? '';
  if (!['', 'http/json'].includes(protocol)) {
    throw new PlaybookError(
      'CONFIG_INVALID',
      `OTEL_EXPORTER_OTLP_PROTOCOL must be http/json, which every collector takes at its HTTP port (got ${protocol}).`,
    );
  }
  return true;
}
