import { ApiError } from '../api-error.ts';

/** What the service can do; a shape says by which method and path. */
export type Operation =
  'token' | 'putFile' | 'submit' | 'getJob' | 'getResult' | 'listJobs' | 'cancelJob' | 'getArtifact';

/** One line of an API's table of contents. */
export interface Route {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** `{name}` is one segment. */
  readonly path: string;
  readonly operation: Operation;
  /** What the caller's token must allow. Undefined: no authentication, and not counted by the limiter. */
  readonly scope: string | undefined;
}

export interface RouteMatch {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

interface Compiled {
  readonly route: Route;
  readonly regex: RegExp;
}

const compile = (route: Route): Compiled => ({
  route,
  regex: new RegExp(`^${route.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
});

function decodeParams(groups: Record<string, string> | undefined): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(groups ?? {}).map(([name, text]) => [name, decodeURIComponent(text)]));
  } catch {
    throw new ApiError(404, 'NOT_FOUND', 'There is nothing at this path.');
  }
}

/** Finds the route of a request. @throws ApiError 404, or 405 with `Allow` */
export function createRouter(routes: readonly Route[]): (method: string, path: string) => RouteMatch {
  const compiled = routes.map(compile);
  return (method, path) => {
    const here = compiled.filter(({ regex }) => regex.test(path));
    const match = here.find(({ route }) => route.method === method);
    if (match !== undefined) return { route: match.route, params: decodeParams(match.regex.exec(path)?.groups) };
    if (here.length === 0) throw new ApiError(404, 'NOT_FOUND', 'There is nothing at this path.');
    const allow = here.map(({ route }) => route.method).join(', ');
    throw new ApiError(405, 'METHOD_NOT_ALLOWED', `This path allows ${allow} only.`, { headers: { Allow: allow } });
  };
}

/** Finds the id that a client chose for its job, in the path of its submit. */
export function createSubmitId(routes: readonly Route[]): (method: string, path: string) => string | null {
  const compiled = routes.filter(({ operation }) => operation === 'submit').map(compile);
  return (method, path) => {
    const match = compiled.find(({ route, regex }) => route.method === method && regex.test(path));
    return match?.regex.exec(path)?.groups?.['id'] ?? null;
  };
}
