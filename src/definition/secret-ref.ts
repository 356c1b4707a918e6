import type { SecretRef } from './config-types.ts';

const REFERENCE = /^(?:env:[A-Za-z_][A-Za-z0-9_]*|file:\/[^\0]+|vault:[^#\s]+#[^#\s]+)$/;

/** How a reference may be written, for messages. */
export const SECRET_REF_FORMS = 'env:NAME, file:/path or vault:path#field';

/** True for a well-formed reference to a secret. A secret's value itself is practically never one. */
export function isSecretRef(text: string): text is SecretRef {
  return REFERENCE.test(text);
}
