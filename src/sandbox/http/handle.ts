import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '../api-error.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import type { ServiceClock } from '../clock.ts';
import type { FaultSwitches, RequestPlan } from '../faults/switches.ts';
import { limitHeaders } from '../limiter.ts';
import type { Limiter } from '../limiter.ts';
import type { SandboxLogger } from '../logger.ts';
import type { RequestEntry, RequestLog } from '../request-log.ts';
import type { Shape } from '../shape/shape.ts';
import { errorAnswer, faultAnswer } from './error-answer.ts';
import type { Answer, Exchange, Notes } from './exchange.ts';
import { readBody } from './read-body.ts';
import type { Operation, RouteMatch } from './routes.ts';
import { send } from './send.ts';

export interface HandlerDependencies {
  readonly clock: ServiceClock;
  readonly faults: FaultSwitches;
  readonly limiter: Limiter;
  readonly log: RequestLog;
  readonly logger: SandboxLogger;
  readonly authenticator: Authenticator;
  readonly shape: Shape;
  readonly route: (method: string, path: string) => RouteMatch;
  /** The id that the client chose, in the path of a submit. */
  readonly submitId: (method: string, path: string) => string | null;
  readonly operations: Readonly<Record<Operation, (exchange: Exchange) => Promise<Answer>>>;
}

/** What a request does to the connection besides being answered. */
type Handling = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** High-resolution arrival time: several requests fit into one millisecond. */
const arrival = (): number => performance.timeOrigin + performance.now();

const pause = async (ms: number): Promise<void> => {
  if (ms > 0) await sleep(ms, undefined, { ref: false });
};

/** Creates the handler of the API proper: faults, authentication, limit, scope, operation, answer, log. */
export function createHandler(deps: HandlerDependencies): Handling {
  const limit = (): { headers: Record<string, string>; allowed: boolean } => {
    const verdict = deps.limiter.take(arrival());
    return { allowed: verdict.allowed, headers: limitHeaders(deps.limiter.config(), verdict, deps.clock.now()) };
  };

  const answer = async (
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    plan: RequestPlan,
    notes: Notes & { limited: boolean },
  ): Promise<Answer> => {
    const { route, params } = deps.route(request.method ?? '', url.pathname);
    let clientId = '';
    if (route.scope !== undefined) {
      const caller = deps.authenticator.authenticate(request.headers);
      const { allowed, headers } = limit();
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      if (allowed) response.once('close', deps.limiter.release);
      else {
        notes.limited = true;
        throw new ApiError(429, 'RATE_LIMITED', 'Too many requests: wait as long as Retry-After says.');
      }
      if (!caller.scopes.includes(route.scope)) {
        throw new ApiError(403, 'INSUFFICIENT_SCOPE', `This needs the scope ${route.scope}.`, {
          headers: { 'WWW-Authenticate': deps.authenticator.scopeChallenge(route.scope) },
        });
      }
      clientId = caller.clientId;
    }
    return deps.operations[route.operation]({
      clientId,
      params,
      headers: request.headers,
      query: url.searchParams,
      readBody: (maxBytes) => readBody(request, maxBytes),
      linger: () => pause(plan.latencyMs.inside),
      notes,
    });
  };

  const decide = async (
    request: IncomingMessage,
    response: ServerResponse,
    plan: RequestPlan,
    notes: Notes & { limited: boolean },
  ): Promise<Answer> => {
    if (plan.error?.at === 'before') return faultAnswer(plan.error, deps.shape.renderError);
    try {
      const url = new URL(request.url ?? '/', 'http://sandbox');
      const real = await answer(request, response, url, plan, notes);
      return plan.error?.at === 'after' ? faultAnswer(plan.error, deps.shape.renderError) : real;
    } catch (error) {
      if (!(error instanceof ApiError)) deps.logger.warn({ error: String(error) }, 'request failed');
      return errorAnswer(error, deps.shape.renderError);
    }
  };

  const carryOut = async (
    request: IncomingMessage,
    response: ServerResponse,
    plan: RequestPlan,
    entry: RequestEntry,
  ): Promise<number> => {
    await pause(plan.latencyMs.before);
    if (plan.reset === 'before') return cut(request);
    response.setHeader('Date', new Date(deps.clock.now()).toUTCString());
    const decided = await decide(request, response, plan, entry);
    await pause(plan.latencyMs.after);
    if (plan.reset === 'after' || response.destroyed) return cut(request);
    await send(request, response, decided, plan, deps.shape.drift);
    return decided.status;
  };

  const { idempotency } = deps.shape;
  /** What the log knows a request by, also where a fault answers it. */
  const keyOf = (request: IncomingMessage, method: string, path: string): string | null => {
    if (idempotency.kind === 'header') {
      const key = request.headers[idempotency.header.toLowerCase()];
      return typeof key === 'string' ? key : null;
    }
    return idempotency.kind === 'put-id' ? deps.submitId(method, path) : null;
  };

  return async (request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const method = request.method ?? '';
    const at = arrival();
    const entry = deps.log.open(method, path, at);
    const plan = deps.faults.planRequest(method, path);
    entry.faults = plan.names;
    entry.key = keyOf(request, method, path);
    entry.status = await carryOut(request, response, plan, entry);
    entry.ms = Math.round((arrival() - at) * 1_000) / 1_000;
  };
}

/** Cuts the connection with a TCP reset, so that the caller sees ECONNRESET and not an orderly end. */
function cut(request: IncomingMessage): 0 {
  request.socket.resetAndDestroy();
  return 0;
}
