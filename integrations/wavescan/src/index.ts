import { defineIntegration } from '../../../src/definition/index.ts';
import * as is from './constants.ts';
import { readEvent, toRemoteJob, toScanBody } from './mappers.ts';
import { eventDto, faultDto, levels, levelsDto, scanDto, scanInput, scanPageDto } from './models.ts';

const scanPath = (id: string): string => `/v2/scans/${encodeURIComponent(id)}`;
const scan = { response: scanDto, read: toRemoteJob };
const conflict = { status: 409, code: 'CONFLICT' } as const;

/** Audio measurement: a WAV file goes in, its length, levels and waveform come out. */
export const integration = defineIntegration({
  service: is.SERVICE,
  title: 'Audio measurement',
  contractVersion: is.CONTRACT_VERSION,
  input: scanInput,
  result: levels,
  fromFile: (file) => scanInput.parse({ recording: file }),
  upload: {
    files: ({ recording }) => [recording],
    request: ({ sha256 }) => ({ method: 'PUT', path: `/v2/recordings/${sha256}` }),
  },
  submit: {
    request: (job) => ({ method: 'PUT', path: scanPath(job.idempotencyKey), json: toScanBody(job) }),
    ...scan,
    idempotency: { kind: 'put-id', lifetimeMs: is.ID_LIFETIME_MS },
    sameInput: ({ recording }, input) => recording === input.recording.sha256,
  },
  status: { request: ({ externalId }) => ({ method: 'GET', path: scanPath(externalId) }), ...scan },
  fetch: {
    request: ({ externalId }) => ({ method: 'GET', path: `${scanPath(externalId)}/levels` }),
    response: levelsDto,
    read: (dto) => levels.parse(dto),
  },
  cancel: { request: ({ externalId }) => ({ method: 'DELETE', path: scanPath(externalId) }), ...scan },
  list: {
    request: ({ cursor, limit, updatedAfter }) => {
      return { method: 'GET', path: '/v2/scans', query: { offset: cursor, count: limit, changed_after: updatedAfter } };
    },
    response: scanPageDto,
    read: ({ scans, offset, total }) => {
      const end = offset + scans.length;
      return { jobs: scans.map(toRemoteJob), ...(end < total ? { next: String(end) } : {}) };
    },
  },
  states: is.STATES,
  errors: [
    // Too many scans of ours are under way: the same request will do once one of them is over.
    { ...conflict, serviceCode: 'TOO_MANY_SCANS', retryable: true, throttled: true, conflict: 'busy' },
    { ...conflict, serviceCode: 'ID_TAKEN', code: 'IDEMPOTENCY_KEY_REUSED', retryable: false, conflict: 'invalid' },
  ],
  readError: (body) => faultDto.safeParse(body).data,
  webhook: {
    scheme: {
      kind: 'hmac',
      signatureHeader: 'X-Wavescan-Signature',
      prefix: 'sha256=',
      encoding: 'hex',
      template: '{id}.{timestamp}.{body}',
      timestampHeader: 'X-Wavescan-Time',
      idHeader: 'X-Wavescan-Delivery',
    },
    payload: eventDto,
    read: readEvent,
    retryHorizonMs: is.WEBHOOK_RETRY_HORIZON_MS,
  },
  cost: { perJobMicros: is.COST_PER_SCAN_MICROS },
});
