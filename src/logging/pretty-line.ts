const COLORS: Readonly<Record<string, number>> = { fatal: 31, error: 31, warn: 33, info: 32, debug: 36, trace: 90 };

function paint(text: string, color: number | undefined): string {
  return color === undefined ? text : `\u001B[${color}m${text}\u001B[0m`;
}

/** Control characters of others must not reach the terminal. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => (character === '\n' ? '\n    ' : '\uFFFD'));
}

/** A JSON log line as people like to read it: `12:34:56.789 WARN  message key=value`, an error's stack below. */
export function prettyLine(line: string): string {
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch {
    return line;
  }
  if (typeof fields !== 'object' || fields === null) return line;
  const { time, level, msg, err, ...rest } = fields as Record<string, unknown>;
  const name = typeof level === 'string' ? level : 'info';
  const clock = typeof time === 'string' ? time.slice(11, 23) : '';
  const extra = Object.entries(rest).map(([key, value]) => {
    const text = typeof value === 'string' && !/[\s"]/.test(value) ? value : JSON.stringify(value);
    return ` ${paint(`${key}=`, 90)}${printable(text)}`;
  });
  const stack =
    typeof err === 'object' && err !== null && 'stack' in err && typeof err.stack === 'string'
      ? `\n    ${printable(err.stack)}`
      : '';
  const message = typeof msg === 'string' ? printable(msg) : '';
  return `${paint(clock, 90)} ${paint(name.toUpperCase().padEnd(5), COLORS[name])} ${message}${extra.join('')}${stack}\n`;
}
