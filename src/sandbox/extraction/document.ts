/** What a document turned out to say, one string a page, or why it could not be read. */
export type Extraction =
  | { readonly ok: true; readonly pages: readonly string[] }
  | { readonly ok: false; readonly code: ExtractionErrorCode; readonly message: string };

/** Why a job fails. */
type ExtractionErrorCode =
  | 'EMPTY_FILE'
  | 'ENCRYPTED_PDF'
  | 'CORRUPT_PDF'
  | 'INVALID_TEXT_ENCODING'
  | 'EXTRACTION_TIMEOUT'
  | 'EXTRACTION_CRASHED';

/** The media types whose text can be read. */
export const supportedTypes = ['application/pdf', 'text/plain', 'text/markdown'] as const;

/** An upload's Content-Type, taken apart. */
export interface MediaType {
  readonly type: string;
  readonly charset: string;
}

/** Reads a Content-Type header; undefined when the service does not support it. */
export function parseMediaType(header: string | undefined, supported: readonly string[]): MediaType | undefined {
  const [essence = '', ...parameters] = (header ?? '').split(';').map((part) => part.trim().toLowerCase());
  const type = supported.find((known) => known === essence);
  if (type === undefined) return undefined;
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length) ?? 'utf-8';
  try {
    return { type, charset: new TextDecoder(charset.replaceAll('"', '')).encoding };
  } catch {
    return undefined;
  }
}

/** Decodes a text file. A byte order mark wins over the declared charset and is dropped. */
export function decodeText(bytes: Uint8Array, charset: string): Extraction {
  const marked =
    bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : charset;
  try {
    return { ok: true, pages: [new TextDecoder(marked, { fatal: true }).decode(bytes)] };
  } catch {
    return { ok: false, code: 'INVALID_TEXT_ENCODING', message: `The file is not valid ${marked} text.` };
  }
}
