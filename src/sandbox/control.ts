import { z } from 'zod';
import { ApiError } from './api-error.ts';
import { faultsSchema } from './faults/schema.ts';
import type { Answer } from './http/exchange.ts';
import { describe } from './options.ts';
import { compilePathPattern } from './path-pattern.ts';
import { maxInAnyWindow } from './request-log.ts';
import type { RequestFilter, RequestLog } from './request-log.ts';
import type { FaultPanel } from './faults/panel.ts';
import type { Store } from './state/store.ts';
import type { WebhookSender } from './webhooks/sender.ts';

export interface ControlDependencies {
  readonly panel: FaultPanel;
  readonly log: RequestLog;
  readonly store: Store;
  readonly sender: WebhookSender;
}

/** One request to `/_sandbox/*`. */
export interface ControlRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: () => Promise<string>;
}

const filterSchema = z.strictObject({
  method: z.string().toUpperCase().optional(),
  path: z.string().startsWith('/').transform(compilePathPattern).optional(),
  since: z.coerce.number().int().nonnegative().optional(),
  accepted: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional(),
});

const statsSchema = z.strictObject({
  since: z.coerce.number().int().nonnegative().optional(),
  windowMs: z.coerce.number().int().positive().default(1_000),
});

function parse<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const field = parsed.error.issues[0]?.path.join('.') || 'body';
  throw new ApiError(400, 'VALIDATION', describe(parsed.error), { field });
}

function tally(values: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

const ok = (body: unknown): Answer => ({ status: 200, body });

/** Creates the answers to `/_sandbox/*`: what tests and demos use to cause faults and see what arrived. No auth, no limit. */
export function createControl(deps: ControlDependencies): (request: ControlRequest) => Promise<Answer> {
  const stats = ({ query }: ControlRequest): Answer => {
    const { since, windowMs } = parse(statsSchema, Object.fromEntries(query));
    const entries = deps.log.list({ since }).filter((entry) => !entry.restored);
    const api = entries.filter((entry) => entry.path !== '/oauth/token');
    return ok({
      requests: entries.length,
      forgotten: deps.log.forgotten(),
      windowMs,
      maxInAnyWindow: maxInAnyWindow(api, windowMs),
      maxAdmittedInAnyWindow: maxInAnyWindow(
        api.filter((entry) => !entry.limited),
        windowMs,
      ),
      byStatus: tally(entries.map((entry) => String(entry.status ?? 'open'))),
      jobs: tally([...deps.store.all('job')].map((job) => job.state)),
      webhooks: deps.sender.counts(),
    });
  };

  const requests = ({ query }: ControlRequest): Answer => {
    const filter: RequestFilter = parse(filterSchema, Object.fromEntries(query));
    return ok({ requests: deps.log.list(filter), forgotten: deps.log.forgotten() });
  };

  const addFaults = async ({ body }: ControlRequest): Promise<Answer> => {
    let input: unknown;
    try {
      input = JSON.parse(await body());
    } catch {
      throw new ApiError(400, 'VALIDATION', 'body: is not JSON', { field: 'body' });
    }
    return ok(deps.panel.apply(parse(faultsSchema, input)));
  };

  const answers: Record<string, (request: ControlRequest) => Answer | Promise<Answer>> = {
    'GET /_sandbox/faults': () => ok(deps.panel.show()),
    'POST /_sandbox/faults': addFaults,
    'DELETE /_sandbox/faults': () => ok(deps.panel.clear()),
    'GET /_sandbox/requests': requests,
    'DELETE /_sandbox/requests': () => {
      deps.log.clear();
      return ok({ requests: [], forgotten: 0 });
    },
    'GET /_sandbox/stats': stats,
  };
  const paths = new Set(Object.keys(answers).map((key) => key.split(' ')[1]));

  return async (request) => {
    const answer = answers[`${request.method} ${request.path}`];
    if (answer !== undefined) return answer(request);
    if (!paths.has(request.path)) throw new ApiError(404, 'NOT_FOUND', 'There is nothing at this path.');
    const allow = Object.keys(answers)
      .filter((key) => key.endsWith(` ${request.path}`))
      .map((key) => key.split(' ')[0])
      .join(', ');
    throw new ApiError(405, 'METHOD_NOT_ALLOWED', `This path allows ${allow} only.`, { headers: { Allow: allow } });
  };
}
