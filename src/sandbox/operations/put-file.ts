import { createHash } from 'node:crypto';
import { ApiError } from '../api-error.ts';
import { parseMediaType } from '../extraction/document.ts';
import type { Answer, Exchange } from '../http/exchange.ts';
import type { StoredFile } from '../state/entities.ts';
import type { OperationContext } from './context.ts';

/** Stores a file under its own hash: 201 the first time, 200 with the same answer ever after. */
export async function putFile(context: OperationContext, exchange: Exchange): Promise<Answer> {
  const sha256 = exchange.params['sha256'] ?? '';
  if (!/^[0-9a-f]{64}$/.test(sha256)) {
    throw new ApiError(400, 'VALIDATION', 'The path must end with the SHA-256 of the file: 64 lower-case hex digits.', {
      field: 'sha256',
    });
  }
  const media = parseMediaType(exchange.headers['content-type'], context.shape.mediaTypes);
  if (media === undefined) {
    throw new ApiError(
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      `Content-Type must be one of ${context.shape.mediaTypes.join(', ')}.`,
    );
  }
  const bytes = await exchange.readBody(context.config.maxFileBytes);
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
    throw new ApiError(422, 'HASH_MISMATCH', 'The body does not have the SHA-256 in the path: send the file again.');
  }

  const known = context.store.get('file', sha256);
  if (known?.media.type === media.type && known.media.charset === media.charset) {
    return { status: 200, body: context.shape.renderFile(known) };
  }
  await context.blobs.put(sha256, bytes);
  const file: StoredFile = {
    sha256,
    bytes: bytes.length,
    media,
    createdAtMs: known?.createdAtMs ?? context.clock.now(),
  };
  context.store.commit([['file', sha256, file]]);
  return { status: known === undefined ? 201 : 200, body: context.shape.renderFile(file) };
}
