import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../../src/contracts/search-attributes.ts';
import { openHome, startTemporalServer } from '../../src/embedded/index.ts';
import type { Home, TemporalServer, TemporalServerOptions } from '../../src/embedded/index.ts';
import { freePort } from '../../src/embedded/ports.ts';
import { identify } from '../../src/embedded/process-identity.ts';
import { temporalPath, unique } from '../helpers/temporal.ts';

let folder: string;
let home: Home;
let servers: TemporalServer[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'embedded-'));
  home = await openHome(folder);
  servers = [];
});
afterEach(async () => {
  await Promise.all(servers.map(async (server) => server.stop()));
  await home.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(options: Partial<TemporalServerOptions> = {}): Promise<TemporalServer> {
  const server = await startTemporalServer({ home, executable: temporalPath(), searchAttributes: [], ...options });
  servers.push(server);
  return server;
}

async function withClient<T>(server: { address: string }, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: server.address });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

/** Another process that embeds a server in a home, in a process group of its own. */
async function hold(path: string): Promise<{ owner: ChildProcess; address: string; pid: number }> {
  const script = join(import.meta.dirname, 'processes', 'own-server.ts');
  const owner = spawn(process.execPath, ['--import', 'tsx', script, path, temporalPath()], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: owner.stdout as NodeJS.ReadableStream }), 'line')) as [string];
  const [address = '', pid = ''] = line.split(' ');
  return { owner, address, pid: Number(pid) };
}

function parentOf(pid: number): number {
  if (process.platform !== 'linux')
    return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }));
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

describe('an embedded server', () => {
  it('has search attributes, thirty days of retention and its Web UI when it is said to be ready', async () => {
    const server = await start({
      searchAttributes: Object.values(SEARCH_ATTRIBUTES),
      dynamicConfig: { 'history.timerProcessorMaxTimeShift': '10ms', 'frontend.enableUpdateWorkflowExecution': true },
    });
    expect((await fetch(server.uiUrl)).status).toBe(200);
    await withClient(server, async (client) => {
      const started = await client.workflow.start('any', {
        taskQueue: unique('queue'),
        workflowId: unique('workflow'),
        typedSearchAttributes: [{ key: { name: 'PlaybookLatencyMs', type: 'INT' }, value: 5 }],
      });
      expect((await started.describe()).status.name).toBe('RUNNING');
      const { config } = await client.workflowService.describeNamespace({ namespace: 'default' });
      expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 86_400);
    });
  });

  it('keeps its workflows, its addresses and a longer retention over a restart', async () => {
    const first = await start({ retentionDays: 60, port: await freePort(), uiPort: await freePort() });
    const workflowId = unique('workflow');
    await withClient(first, async (client) => client.workflow.start('any', { taskQueue: 'queue', workflowId }));
    await first.stop();
    const added = { name: 'AddedLater', type: 'KEYWORD' } as const;
    const second = await start({ searchAttributes: [added] });
    expect([second.address, second.uiUrl]).toEqual([first.address, first.uiUrl]);
    expect(second.pid).not.toBe(first.pid);
    await withClient(second, async (client) => {
      expect((await client.workflow.getHandle(workflowId).describe()).status.name).toBe('RUNNING');
      const { config } = await client.workflowService.describeNamespace({ namespace: 'default' });
      expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(60 * 86_400);
    });
  });

  it('moves to another port where its last one is taken, and refuses where the port was asked for', async () => {
    const first = await start({ port: await freePort() });
    await first.stop();
    const port = Number(first.address.split(':')[1]);
    const other = createServer().listen(port, '127.0.0.1');
    await once(other, 'listening');
    try {
      for (const asked of [{ port }, { uiPort: port }]) {
        const [name] = Object.keys(asked);
        await expect(start(asked)).rejects.toMatchObject({
          code: 'PORT_IN_USE',
          message: `${name} ${port} on 127.0.0.1 is taken. Stop what listens there or choose another.`,
        });
      }
      expect((await start()).address).not.toBe(first.address);
    } finally {
      other.close();
    }
  });

  it.each([
    ['listen: bind: address already in use', 1],
    ['panic: failed assigning ephemeral port', 40],
  ])('tries other ports if its own is taken between the check and its start: %s', async (said, lines) => {
    const executable = join(folder, 'temporal');
    const refuseOnce = `[ -e "$0.tried" ] || { : > "$0.tried"; echo '${said}' >&2; seq ${lines} >&2; exit 2; }`;
    await writeFile(executable, `#!/bin/sh\n${refuseOnce}\nexec '${temporalPath()}' "$@"\n`, { mode: 0o755 });
    expect((await fetch((await start({ executable })).uiUrl)).status).toBe(200);
  });

  it('listens on the ports it is asked for', async () => {
    const [port, uiPort] = [await freePort(), await freePort()];
    expect(await start({ port, uiPort })).toMatchObject({
      address: `127.0.0.1:${port}`,
      uiUrl: `http://127.0.0.1:${uiPort}`,
    });
  });

  it('tells once, with the end of its log, when it dies under way', async () => {
    const exits: Error[] = [];
    const server = await start({ onExit: (error) => exits.push(error) });
    process.kill(server.pid, 'SIGKILL');
    while (exits.length === 0) await sleep(20);
    expect(exits[0]).toMatchObject({ code: 'TEMPORAL_UNREACHABLE' });
    expect(exits[0]?.message).toMatch(
      /^The embedded Temporal server ended unexpectedly \(exit code 137\)\. Its log ends with:\n/,
    );
    await server.stop();
    expect(exits).toHaveLength(1);
  });

  it('says nothing of an exit when it was stopped', async () => {
    const exits: Error[] = [];
    const log: string[] = [];
    const server = await start({ onExit: (error) => exits.push(error), onLog: (line) => log.push(line) });
    await server.stop();
    expect(identify(server.pid)).toBeNull();
    expect(exits).toEqual([]);
    expect(log.join('\n')).toContain(`Temporal Server:      localhost:${server.address.split(':')[1]}`);
  });

  it('explains why it did not get ready, and leaves no process', async () => {
    await writeFile(
      join(folder, 'temporal.db'),
      'this is not a database, and long enough to be sure of it'.repeat(100),
    );
    await expect(start()).rejects.toMatchObject({
      code: 'TEMPORAL_UNREACHABLE',
      message: expect.stringMatching(/did not get ready: it ended with exit code 1\. .*\n.*file is not a database/s),
    });
    const { process: left } = JSON.parse(await readFile(join(folder, 'temporal.json'), 'utf8'));
    expect(identify(left.pid)).toBeNull();
  });

  it('says which search attributes the server refuses', async () => {
    const tooMany = Array.from({ length: 4 }, (_, i) => ({ name: `Number${i}`, type: 'INT' }) as const);
    await expect(start({ searchAttributes: tooMany })).rejects.toMatchObject({
      code: 'TEMPORAL_UNREACHABLE',
      message: expect.stringMatching(/search attributes could not be registered: .*cannot have more than 3/),
    });
  });

  it('starts in a home whose notes were damaged', async () => {
    await writeFile(join(folder, 'temporal.json'), '{"port":');
    expect((await start()).address).toMatch(/^127\.0\.0\.1:\d+$/);
  });
});

describe('a server whose owner is killed with kill -9', () => {
  beforeEach(async () => home.close());

  it('goes with it, and the next start at once has the same address and all workflows', async () => {
    const { owner, address, pid } = await hold(folder);
    const workflowId = unique('workflow');
    await withClient({ address }, async (client) => client.workflow.start('any', { taskQueue: 'queue', workflowId }));
    await expect(openHome(folder)).rejects.toMatchObject({ code: 'HOME_IN_USE' });
    process.kill(-(owner.pid ?? 0), 'SIGKILL');
    await once(owner, 'exit');
    home = await openHome(folder);
    const server = await start();
    expect(identify(pid)).toBeNull();
    expect(server.address).toBe(address);
    const status = await withClient(server, async (client) => client.workflow.getHandle(workflowId).describe());
    expect(status.status.name).toBe('RUNNING');
  });

  it('is ended by the next start if even its supervisor was killed', async () => {
    const { owner, address, pid } = await hold(folder);
    const supervisor = parentOf(pid);
    process.kill(owner.pid ?? 0, 'SIGSTOP'); // so that it does not see its supervisor die
    process.kill(supervisor, 'SIGKILL');
    process.kill(owner.pid ?? 0, 'SIGKILL');
    await once(owner, 'exit');
    expect(identify(pid)).not.toBeNull();
    home = await openHome(folder);
    expect((await start()).address).toBe(address);
    expect(identify(pid)).toBeNull();
  });
});
