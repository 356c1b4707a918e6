import type { HarEntry } from './har.ts';
import { requestLine } from './compare.ts';
import type { Proof } from './store.ts';

/** Headers that curl writes itself, or that say nothing of the service. */
const LEFT_OUT = new Set(['accept', 'accept-encoding', 'connection', 'content-length', 'host', 'user-agent']);
const MAX_TEXT = 200;
const MAX_ITEMS = 3;

/**
 * The recorded requests as commands for `spike-notes.md`, each with the answer it had. What is not in the recording is a shell
 * variable: `$BASE`, `$TOKEN`, `$FILE` and one for each other secret.
 */
export function curlNotes({ manifest, har }: Proof): string {
  const entries = har.log.entries.filter(({ _playbook: { kind, failure } }) => kind !== 'webhook' && !failure);
  const webhooks = har.log.entries.filter(({ _playbook: { kind } }) => kind === 'webhook');
  const origin = new URL(String((manifest.config['service'] as { base_url?: unknown }).base_url)).origin;
  const hasPassword = (manifest.config['auth'] as { type?: unknown } | undefined)?.type === 'basic';
  const setUp = [`BASE=${origin}`, ...(entries.some(isStreamed) ? ['FILE=…'] : [])];
  const sections = [
    `# ${manifest.service} ${manifest.contractVersion}, recorded ${manifest.recordedAt} against ${manifest.environment}`,
    block('bash', setUp.join('\n')),
    ...entries.flatMap((entry) => [
      `## ${entry._playbook.kind}: ${requestLine(entry)}`,
      block('bash', command(entry, origin, hasPassword)),
      ...answer(entry),
    ]),
    ...webhooks.flatMap((entry) => [
      `## webhook, answered ${entry.response.status}`,
      ...shown(entry.request.postData?.text),
    ]),
  ];
  return `${sections.join('\n\n')}\n`;
}

function command(entry: HarEntry, origin: string, hasPassword: boolean): string {
  const { method, url, headers, postData } = entry.request;
  const address = new URL(url).origin === origin ? `$BASE${url.slice(origin.length)}` : url;
  const isToken = entry._playbook.kind === 'token';
  // Whoever asks for a token, or has none, shows who they are; everybody else shows the token.
  const isClient = (name: string): boolean => (isToken || hasPassword) && name.toLowerCase() === 'authorization';
  const parts = [
    `curl -s -X ${method} ${quoted(withVariable('', address))}`,
    ...headers
      .filter(({ name }) => !LEFT_OUT.has(name.toLowerCase()))
      .map(({ name, value }) =>
        isClient(name) ? '-u "$CLIENT_ID:$CLIENT_SECRET"' : `-H ${quoted(`${name}: ${withVariable(name, value)}`)}`,
      ),
    ...(postData === undefined ? [] : [`-d ${quoted(withVariable('', postData.text))}`]),
    ...(isStreamed(entry) ? ['--data-binary @$FILE'] : []),
  ];
  const line = parts.join(' ');
  return isToken ? `TOKEN=$(${line} | node -p "JSON.parse(fs.readFileSync(0)).access_token")` : line;
}

/** What is redacted becomes a variable of whoever runs the command. */
function withVariable(name: string, value: string): string {
  const isBearer = name.toLowerCase() === 'authorization';
  return value
    .replaceAll('%5Bredacted%5D', '[redacted]')
    .replaceAll(/\[redacted(?:: [a-z ]+)?\]/g, () => (isBearer ? 'Bearer $TOKEN' : `$${variable(name)}`));
}

function variable(name: string): string {
  return name === '' ? 'REDACTED' : name.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_');
}

function answer({ response: { status, content } }: HarEntry): readonly string[] {
  return [`${status}:`, ...shown(content.text)];
}

function shown(text: string | undefined): readonly string[] {
  if (text === undefined || text === '') return ['No text.'];
  try {
    return [block('json', JSON.stringify(shortened(JSON.parse(text)), undefined, 2))];
  } catch {
    return [block('text', text.slice(0, MAX_TEXT))];
  }
}

/** Long texts and lists are cut: notes are to be read. */
function shortened(value: unknown): unknown {
  if (typeof value === 'string') return value.length <= MAX_TEXT ? value : `${value.slice(0, MAX_TEXT)}…`;
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map(shortened);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, shortened(child)]));
}

function isStreamed({ _playbook: { streamed }, request }: HarEntry): boolean {
  return streamed === true && request.bodySize > 0;
}

/** In double quotes, so that variables stand; what else a shell would read there is escaped. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\`]/g, String.raw`\$&`).replaceAll(/\$(?!BASE|TOKEN|FILE|REDACTED|[A-Z_]+\b)/g, String.raw`\$`)}"`;
}

function block(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}
