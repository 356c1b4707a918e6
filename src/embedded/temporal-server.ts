import { join } from 'node:path';
import { PlaybookError } from '../contracts/errors.ts';
import type { Home } from './home.ts';
import { runProcess } from '../provision/run-process.ts';
import { prepareNamespace } from './namespace.ts';
import type { SearchAttribute } from './namespace.ts';
import { freePort } from './ports.ts';
import { endProcess } from './process-identity.ts';
import { recall, remember } from './remembered.ts';
import { supervise } from './supervise.ts';
import type { Supervised } from './supervise.ts';

export interface TemporalServerOptions {
  readonly home: Home;
  /** The `temporal` executable, from `src/provision`. */
  readonly executable: string;
  /** @default the home's last one, else 7233, else any free one */
  readonly port?: number;
  /** @default the home's last one, else 8233, else any free one */
  readonly uiPort?: number;
  readonly searchAttributes: readonly { readonly name: string; readonly type: keyof typeof TYPE_NAMES }[];
  readonly dynamicConfig?: Readonly<Record<string, string | number | boolean>>;
  /** How long closed workflows are kept at least. @default 30; the server's own is 1 */
  readonly retentionDays?: number;
  /** Gets the server's log, line by line. */
  readonly onLog?: (line: string) => void;
  /** Called once if the server ends without having been stopped. */
  readonly onExit?: (error: PlaybookError) => void;
}

/** A running Temporal dev server with its Web UI. Its state is in the home folder and survives it. */
export interface TemporalServer {
  /** `127.0.0.1:<port>`, for clients and workers. */
  readonly address: string;
  readonly uiUrl: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

const READY_MS = 60_000;
const GRACE_MS = 8_000;
const KEPT_LINES = 20;
/** Temporal's two ways to write a search attribute's type: the SDK's, and the command's. */
const TYPE_NAMES = {
  TEXT: 'Text',
  KEYWORD: 'Keyword',
  INT: 'Int',
  DOUBLE: 'Double',
  BOOL: 'Bool',
  DATETIME: 'Datetime',
  KEYWORD_LIST: 'KeywordList',
} as const;

/**
 * Starts the Temporal server of a home folder and waits until it can be used: search attributes registered, retention long
 * enough, Web UI answering. A server left behind by a killed process is ended first: two on one database would not notice
 * each other. It ends with this process, however that ends.
 *
 * @throws PlaybookError PORT_IN_USE if a port was asked for and is taken; TEMPORAL_UNREACHABLE if the server does not get ready,
 * with the end of its log
 */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  const home = options.home.path;
  const remembered = await recall(home);
  if (remembered.process && !(await endProcess(remembered.process, GRACE_MS))) {
    throw new PlaybookError(
      'HOME_IN_USE',
      `The Temporal server left behind in ${home}, process ${remembered.process.pid}, cannot be ended. End it, then start again.`,
    );
  }
  try {
    return await launch(options, {
      port: await choosePort('port', options.port, remembered.port, 7233),
      uiPort: await choosePort('uiPort', options.uiPort, remembered.uiPort, 8233),
    });
  } catch (error) {
    if (!/address already in use|panic: /.test(String(error))) throw error;
    // Another process was faster, e.g. a second home started at the same moment; for a port of its own, the server panics then.
    return launch(options, { port: options.port ?? (await freePort()), uiPort: options.uiPort ?? (await freePort()) });
  }
}

interface Ports {
  readonly port: number;
  readonly uiPort: number;
}

async function launch(options: TemporalServerOptions, ports: Ports): Promise<TemporalServer> {
  const home = options.home.path;
  const httpPort = await freePort();
  const log = createTail(options.onLog);
  const server = await supervise(commandLine(options, ports, httpPort), environment(), log.add);
  await remember(home, { ...ports, process: server.identity });
  const uiUrl = `http://127.0.0.1:${ports.uiPort}`;
  try {
    await withinBounds(server, async (signal) =>
      prepareNamespace({
        apiUrl: `http://127.0.0.1:${httpPort}`,
        uiUrl,
        searchAttributes: options.searchAttributes.map(({ name, type }) => ({ name, type: TYPE_NAMES[type] })),
        register: async (missing) => register(options.executable, ports.port, missing, signal),
        retentionDays: options.retentionDays ?? 30,
        signal,
      }),
    );
  } catch (error) {
    await server.stop();
    throw log.failure(`did not get ready: ${error instanceof Error ? error.message : String(error)}`);
  }

  let stopping = false;
  const watch = async (): Promise<void> => {
    const code = await server.ended;
    if (!stopping) options.onExit?.(log.failure(`ended unexpectedly (exit code ${code})`));
  };
  void watch();
  const stop = async (): Promise<void> => {
    stopping = true;
    await server.stop();
    await remember(home, ports);
  };
  return { address: `127.0.0.1:${ports.port}`, uiUrl, pid: server.identity.pid, stop };
}

async function choosePort(
  name: string,
  asked: number | undefined,
  last: number | undefined,
  usual: number,
): Promise<number> {
  if (asked === undefined) return freePort(last, usual);
  if ((await freePort(asked)) === asked) return asked;
  throw new PlaybookError(
    'PORT_IN_USE',
    `${name} ${asked} on 127.0.0.1 is taken. Stop what listens there or choose another.`,
  );
}

function commandLine(options: TemporalServerOptions, ports: Ports, httpPort: number): readonly string[] {
  const flags: readonly (readonly [flag: string, value: string | number])[] = [
    ['--ip', '127.0.0.1'],
    ['--port', ports.port],
    ['--ui-port', ports.uiPort],
    ['--http-port', httpPort],
    ['--db-filename', join(options.home.path, 'temporal.db')],
    ['--log-level', 'warn'],
    ['--log-format', 'json'],
    ...Object.entries(options.dynamicConfig ?? {}).map(
      ([key, value]) => ['--dynamic-config-value', `${key}=${JSON.stringify(value)}`] as const,
    ),
  ];
  return [options.executable, 'server', 'start-dev', '--ui-disable-news-fetch', ...flags.flat().map(String)];
}

/** The server's own flag for search attributes works on a new database only; this command on any, and again. */
async function register(
  executable: string,
  port: number,
  attributes: readonly SearchAttribute[],
  signal: AbortSignal,
): Promise<void> {
  const pairs = attributes.flatMap(({ name, type }) => ['--name', name, '--type', type]);
  const args = ['operator', 'search-attribute', 'create', '--address', `127.0.0.1:${port}`, ...pairs];
  const { end, code, stderr } = await runProcess(executable, args, { env: environment(), timeoutMs: READY_MS, signal });
  if (code !== 0) throw new Error(`search attributes could not be registered: ${stderr.trim() || end}`);
}

/** Ours without `TEMPORAL_…`: what tells a client where to connect would also change the settings of the server's command. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}

/** Gives up on `work` when the server ends or takes too long. */
async function withinBounds(server: Supervised, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const bounds = new AbortController();
  const timer = setTimeout(() => bounds.abort(new Error(`${READY_MS / 1000} s have passed`)), READY_MS);
  void server.ended.then((code) => bounds.abort(new Error(`it ended with exit code ${code}`)));
  try {
    await work(bounds.signal);
  } catch (error) {
    throw bounds.signal.aborted ? bounds.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}

/** Keeps the end of the log for the message of a failure. */
function createTail(onLog: TemporalServerOptions['onLog']): {
  readonly add: (line: string) => void;
  readonly failure: (what: string) => PlaybookError;
} {
  const kept: string[] = [];
  // The stack that follows a panic is longer than what is kept, and says nothing.
  const panics: string[] = [];
  return {
    add: (line) => {
      if (line.startsWith('panic: ')) panics.push(line);
      kept.push(line);
      if (kept.length > KEPT_LINES) kept.shift();
      onLog?.(line);
    },
    failure: (what) =>
      new PlaybookError(
        'TEMPORAL_UNREACHABLE',
        [
          `The embedded Temporal server ${what}. Its log ends with:`,
          ...panics.filter((line) => !kept.includes(line)),
          ...kept,
        ].join('\n  '),
      ),
  };
}
