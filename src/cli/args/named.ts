import { BATCH_NAME_PATTERN } from '../../contracts/batch.ts';
import { parseJobWorkflowId, SERVICE_PATTERN } from '../../contracts/ids.ts';
import { badUsage } from './bad-usage.ts';

/** A job by its id, or a whole batch. */
export type Named =
  | { readonly job: string; readonly batch?: undefined }
  | { readonly job?: undefined; readonly batch: { readonly service: string; readonly name: string } };

/**
 * What words of a command line name: `<service>/<key>` or service and key as two words a job, `batch/<service>/<name>` a batch.
 * A part of a batch, as the Web UI shows it, names its batch.
 * @throws PlaybookError BAD_USAGE
 */
export function named(words: readonly string[], path: readonly string[]): Named {
  const id = words.join('/');
  const [lead, service = '', name = '', part = '0', ...more] = id.split('/');
  const isBatch = SERVICE_PATTERN.test(service) && BATCH_NAME_PATTERN.test(name);
  if (lead === 'batch' && isBatch && /^\d+$/.test(part) && more.length === 0) return { batch: { service, name } };
  if (parseJobWorkflowId(id) !== undefined) return { job: id };
  throw badUsage(
    `${JSON.stringify(id)} names no job: give <service>/<key>, or service and key; batch/<service>/<name> for a batch.`,
    path,
  );
}
