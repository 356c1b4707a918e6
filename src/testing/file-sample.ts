import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { contentTypeOf } from '../rules/content-type.ts';
import type { Integration, Sample } from '../definition/index.ts';

/** A sample as the input of a job; a file is written into `folder` first. */
export async function fileSample(integration: Integration, sample: Sample, folder: string): Promise<unknown> {
  if ('input' in sample) return sample.input;
  if (integration.fromFile === undefined) {
    throw new Error(`${integration.service} makes no job from a file: its samples must give an input each.`);
  }
  const path = join(folder, sample.file);
  const bytes = Buffer.from(sample.content);
  await writeFile(path, bytes);
  return integration.fromFile({
    uri: pathToFileURL(path).href,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
    contentType: contentTypeOf(extname(path)) ?? 'application/octet-stream',
  }) as unknown;
}
