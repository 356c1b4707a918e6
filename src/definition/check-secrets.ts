import { PlaybookError } from '../contracts/errors.ts';
import { secretRefs } from './config-rules.ts';
import type { ServiceConfig } from './config-types.ts';
import { showPath } from './issue-text.ts';
import type { Secrets } from './secrets.ts';

/**
 * Resolves every secret a configuration refers to, so that a process says at its start what it lacks, not with its first request.
 * @throws PlaybookError SECRET_UNAVAILABLE naming all that are missing, each with its path and reason.
 */
export async function checkSecrets(config: ServiceConfig, secrets: Secrets): Promise<void> {
  const problems = await Promise.all(
    secretRefs(config).map(async ({ path, ref }) => {
      try {
        await secrets.resolve(ref);
        return [];
      } catch (error) {
        if (!(error instanceof PlaybookError)) throw error;
        return [`  ${showPath(path)}: ${error.message}`];
      }
    }),
  );
  const missing = problems.flat();
  if (missing.length > 0) {
    throw new PlaybookError('SECRET_UNAVAILABLE', `Secrets are missing:\n${missing.join('\n')}`);
  }
}
