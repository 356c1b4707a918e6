/** The error codes of the API, as the other company documents them; a configured shape may call them otherwise. */
type ApiErrorCode =
  | 'VALIDATION'
  | 'INPUT_NOT_FOUND'
  | 'UNAUTHENTICATED'
  | 'INSUFFICIENT_SCOPE'
  | 'NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'IDEMPOTENCY_KEY_MISSING'
  | 'IDEMPOTENCY_KEY_IN_USE'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'ID_CONFLICT'
  | 'JOB_ALREADY_FINISHED'
  | 'PAYLOAD_TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'HASH_MISMATCH'
  | 'RATE_LIMITED'
  | 'NOT_READY'
  | 'INTERNAL';

/** Thrown by a handler to answer with an error body `{error: {code, message, field?}}`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;
  readonly field: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: ApiErrorCode | (string & {}),
    message: string,
    more: { readonly field?: string; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.field = more.field;
    this.headers = more.headers ?? {};
  }
}
