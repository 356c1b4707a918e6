import { setTimeout as sleep } from 'node:timers/promises';

/** A search attribute as the server's command takes it. */
export interface SearchAttribute {
  readonly name: string;
  readonly type: string;
}

export interface NamespaceNeeds {
  /** The dev server's HTTP API, for the little that must be asked before any client connects. */
  readonly apiUrl: string;
  readonly uiUrl: string;
  readonly searchAttributes: readonly SearchAttribute[];
  /** Registers attributes that are missing: the HTTP API cannot. */
  readonly register: (missing: readonly SearchAttribute[]) => Promise<void>;
  /** How long closed workflows are to be kept at least. */
  readonly retentionDays: number;
  readonly signal: AbortSignal;
}

const REQUEST_MS = 5_000;

/** Waits until the server and its Web UI answer, then has the default namespace meet the needs. */
export async function prepareNamespace(needs: NamespaceNeeds): Promise<void> {
  const { searchAttributes, signal } = needs;
  const namespace = `${needs.apiUrl}/api/v1/namespaces/default`;
  await until(signal, async () => (await answers(namespace)) && (await answers(needs.uiUrl)));

  const missing = async (): Promise<readonly SearchAttribute[]> => {
    const { customAttributes = {} } = await request(`${namespace}/search-attributes`);
    return searchAttributes.filter(({ name }) => !Object.hasOwn(customAttributes, name));
  };
  const unregistered = await missing();
  if (unregistered.length > 0) await needs.register(unregistered);
  await until(signal, async () => (await missing()).length === 0);

  const wantedSeconds = needs.retentionDays * 86_400;
  const { config } = await request(namespace);
  if (Number.parseInt(config?.['workflowExecutionRetentionTtl'] ?? '0', 10) >= wantedSeconds) return;
  await request(`${namespace}/update`, { config: { workflowExecutionRetentionTtl: `${wantedSeconds}s` } });
}

async function until(signal: AbortSignal, isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(25, undefined, { signal });
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(REQUEST_MS) })).ok;
  } catch {
    return false; // not listening yet
  }
}

/** An answer, as far as it matters here. */
type Sections = Readonly<Record<string, Readonly<Record<string, string>> | undefined>>;

async function request(url: string, body?: unknown): Promise<Sections> {
  const init: RequestInit = { signal: AbortSignal.timeout(REQUEST_MS) };
  if (body !== undefined) {
    init.method = 'POST';
    init.headers = { 'content-type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}`);
  return (await response.json()) as Sections;
}
