import { z } from 'zod';
import type { FileRef } from '../contracts/jobs.ts';

/** Schema of a file by reference, for inputs: its bytes never enter a history. @param contentTypes those the service takes */
export function fileRef<const Type extends string>(
  contentTypes: readonly [Type, ...Type[]],
): z.ZodType<FileRef & { readonly contentType: Type }> {
  return z.strictObject({
    uri: z.string().regex(/^(file|https?):/),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    bytes: z.int().nonnegative(),
    contentType: z.enum(contentTypes),
  });
}
