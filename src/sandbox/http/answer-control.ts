import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from '../api-error.ts';
import type { ControlRequest } from '../control.ts';
import { renderApiError } from '../shape/render-error.ts';
import type { Answer } from './exchange.ts';
import { errorAnswer } from './error-answer.ts';
import { readBody } from './read-body.ts';

const MAX_BODY_BYTES = 1_048_576;

/** Answers a request to `/_sandbox/*`, untouched by faults. */
export async function answerControl(
  control: (request: ControlRequest) => Promise<Answer>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://sandbox');
  const answer = await control({
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    body: async () => (await readBody(request, MAX_BODY_BYTES)).toString('utf8'),
  }).catch((error: unknown) => {
    if (error instanceof ApiError) return errorAnswer(error, renderApiError);
    throw error;
  });
  response.writeHead(answer.status, { ...answer.headers, 'Content-Type': 'application/json' });
  response.end(JSON.stringify(answer.body));
}
