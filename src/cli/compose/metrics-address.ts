import { badUsage } from '../args/bad-usage.ts';
import type { CliIo } from '../io.ts';

/**
 * Where metrics are served: `--metrics`, else `PLAYBOOK_METRICS_ADDRESS`, else nowhere. A port alone means this machine only.
 * @throws PlaybookError BAD_USAGE
 */
export function metricsAddress(io: CliIo, given: string | undefined, command: readonly string[]): string | undefined {
  const asked = given ?? io.env['PLAYBOOK_METRICS_ADDRESS'];
  if (asked === undefined || asked === '') return undefined;
  const { host = '127.0.0.1', port } =
    /^(?:(?<host>[\w.-]+|\[[\da-f:.]+\]):)?(?<port>\d{1,5})$/i.exec(asked)?.groups ?? {};
  if (port === undefined || Number(port) === 0 || Number(port) > 65_535) {
    const from = given === undefined ? 'PLAYBOOK_METRICS_ADDRESS' : '--metrics';
    throw badUsage(`${from} must be a port or host:port (got ${JSON.stringify(asked)}).`, command);
  }
  return `${host === 'localhost' ? '127.0.0.1' : host}:${port}`;
}
