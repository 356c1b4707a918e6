/** Says whether a request path matches. */
export type PathPattern = (path: string) => boolean;

/** Compiles `/v3/jobs/*` (`*` is one segment) or `/v3/**` (`**` is the rest) to a predicate. */
export function compilePathPattern(pattern: string): PathPattern {
  const source = pattern
    .split('**')
    .map((part) =>
      part
        .split('*')
        .map((literal) => literal.replaceAll(/[$()+.?[\\\]^{|}]/g, String.raw`\$&`))
        .join('[^/]+'),
    )
    .join('.*');
  const regex = new RegExp(`^${source}$`);
  return (path) => regex.test(path);
}
