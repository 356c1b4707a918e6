import { checkEnvironments } from '../../definition/index.ts';
import type { CliIo } from '../io.ts';
import { configFile, configPaths, fromFile, knownServices, withFallbacks } from './service-configs.ts';
import type { ConfiguredService } from './service-configs.ts';
import { PlaybookError } from '../../contracts/errors.ts';

/**
 * The services a process works for: those named by `--config`, else all that have a `config.yaml`. Secrets come from the
 * environment, files or Vault; nothing is made up.
 * @throws PlaybookError CONFIG_INVALID (also for a secret two environments share), SECRET_UNAVAILABLE, BAD_USAGE
 */
export async function productionServices(
  io: CliIo,
  configs: readonly string[],
  path: readonly string[],
  onResolved: (value: string) => void,
): Promise<readonly ConfiguredService[]> {
  const known = await knownServices();
  const paths = configPaths(configs, known, io.cwd, path);
  const wanted = (paths.size > 0 ? [...paths.keys()] : known).flatMap((service) => {
    const file = configFile(service, paths);
    return file === undefined ? [] : [{ service, file }];
  });
  if (wanted.length === 0) {
    throw new PlaybookError(
      'CONFIG_INVALID',
      `No service is configured. Copy integrations/<service>/config.example.yaml to config.yaml beside it and adapt it, or name a file: --config <service>=<path> (${known.join(', ')}).`,
    );
  }
  const services = await Promise.all(
    wanted.map(({ service, file }) => fromFile(service, file, () => io.env, onResolved)),
  );
  checkEnvironments(withFallbacks(services).map(({ config }) => config));
  return services;
}
