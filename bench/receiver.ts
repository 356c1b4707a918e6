/**
 * What the receiver costs: verified 2 KB webhooks up to the hand-over, against a bare node:http server that reads the same bodies; then a
 * flood of bad signatures and 1 MB bodies with honest webhooks in between. Everything stays on 127.0.0.1.
 *
 * `npm run bench:receiver [-- --seconds 5 --rounds 3 --flood 60]`
 */
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { z } from 'zod';
import type { Integration } from '../src/definition/index.ts';
import { sign, startReceiver } from '../src/webhooks/index.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    flood: { type: 'string', default: '60' },
  },
});
const [seconds, rounds, floodSeconds] = [Number(values.seconds), Number(values.rounds), Number(values.flood)];

const SCHEME = { kind: 'standard-webhooks' } as const;
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const CONNECTIONS = 32;
const run = promisify(execFile);
const loader = fileURLToPath(new URL('receiver-load.ts', import.meta.url));

const payload = z.object({
  type: z.string(),
  data: z.looseObject({ id: z.string(), reference: z.string(), status: z.string() }),
});
const integration = {
  service: 'docproc',
  states: { done: 'COMPLETED' },
  result: z.unknown(),
  webhook: {
    scheme: SCHEME,
    payload,
    read: ({ data }: z.infer<typeof payload>) => ({
      state: 'COMPLETED',
      externalId: data.id,
      reference: data.reference,
    }),
    retryHorizonMs: 1000,
  },
} as unknown as Integration; // only the webhook matters here

/** A webhook of about 2 KB, as a document service would send it. */
function webhookBody(): Buffer {
  const pages = Array.from({ length: 20 }, (_, page) => ({
    page,
    words: 300 + page,
    artifact: `art_${page}_0123456789abcdef`,
    text: 'Lorem ipsum dolor',
  }));
  return Buffer.from(
    JSON.stringify({
      type: 'job.completed',
      data: { id: 'ext_0123456789', reference: 'invoice-7~1', status: 'done', pages },
    }),
  );
}

interface Load {
  readonly statuses: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
}

async function load(order: object): Promise<Load> {
  const { stdout } = await run(process.execPath, ['--import', 'tsx', loader, JSON.stringify(order)]);
  return JSON.parse(stdout) as Load;
}

const signedRequest = (body: Buffer, id: string): object => ({
  path: '/webhooks/docproc',
  headers: sign(SCHEME, SECRET, { id, timestampMs: Date.now(), body }),
  body: body.toString('base64'),
});

async function throughput(): Promise<void> {
  const body = webhookBody();
  let handedOver = 0;
  const receiver = await startReceiver({
    port: 0,
    services: new Map([['docproc', service()]]),
    handOver: async () => {
      handedOver += 1;
      return 'accepted';
    },
    logger: silent,
  });
  const bare = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      Buffer.concat(chunks);
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': 21 })
        .end('{"status":"accepted"}');
    });
  });
  await new Promise<void>((resolve) => bare.listen(0, '127.0.0.1', resolve));
  const barePort = (bare.address() as AddressInfo).port;

  // Interleaved, so that whatever else the machine does hits both alike.
  const rates: { bare: number[]; receiver: number[] } = { bare: [], receiver: [] };
  const cpuUs: { bare: number[]; receiver: number[] } = { bare: [], receiver: [] };
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, port] of [
      ['bare', barePort],
      ['receiver', receiver.port],
    ] as const) {
      const durationMs = round === 0 ? 1000 : seconds * 1000; // the first round warms up
      const order = { ...signedRequest(body, `evt_${round}`), port, connections: CONNECTIONS, durationMs };
      const before = process.cpuUsage();
      const { statuses, elapsedMs } = await load(order);
      const { user, system } = process.cpuUsage(before);
      if (Object.keys(statuses).join() !== '200') throw new Error(`${name} answered ${JSON.stringify(statuses)}`);
      if (round === 0) continue;
      const answered = statuses['200'] ?? 0;
      rates[name].push((answered * 1000) / elapsedMs);
      cpuUs[name].push((user + system) / answered);
    }
  }
  await receiver.close();
  bare.closeAllConnections();
  bare.close();
  const [bareRate, receiverRate] = [median(rates.bare), median(rates.receiver)];
  print(`body ${body.length} bytes, ${CONNECTIONS} connections, median of ${rounds} rounds of ${seconds} s`);
  const [bareCpu, receiverCpu] = [median(cpuUs.bare), median(cpuUs.receiver)];
  print(`bare node:http  ${bareRate.toFixed(0)} requests/s, ${bareCpu.toFixed(0)} us of CPU each`);
  print(
    `receiver        ${receiverRate.toFixed(0)} requests/s, ${receiverCpu.toFixed(0)} us of CPU each, ${handedOver} handed over`,
  );
  print(
    `ratio           ${((100 * receiverRate) / bareRate).toFixed(1)} % by rate, ${((100 * bareCpu) / receiverCpu).toFixed(1)} % by the server's CPU (goal: at least 40 %)`,
  );
}

async function flood(): Promise<void> {
  const body = webhookBody();
  let handedOver = 0;
  let lines = 0;
  const count = (): void => void (lines += 1);
  const receiver = await startReceiver({
    port: 0,
    services: new Map([['docproc', service()]]),
    handOver: async () => {
      handedOver += 1;
      return 'accepted';
    },
    logger: { info: count, warn: count, error: count },
  });
  const { port } = receiver;
  const durationMs = floodSeconds * 1000;
  const forged = { ...signedRequest(body, 'evt_forged'), body: Buffer.from(`${body.toString()} `).toString('base64') };
  const attacks = Promise.all([
    load({ ...forged, port, connections: 16, durationMs }),
    load({ ...forged, body: undefined, fill: 1024 * 1024, port, connections: 8, durationMs }),
  ]);
  const latenciesMs: number[] = [];
  const memory: number[] = [];
  const answers: Record<string, number> = {};
  const endAtMs = Date.now() + durationMs;
  let sent = 0;
  while (Date.now() < endAtMs) {
    const startedAtMs = performance.now();
    const status = await honest(port, body, `evt_honest_${sent}`);
    latenciesMs.push(performance.now() - startedAtMs);
    answers[status] = (answers[status] ?? 0) + 1;
    sent += 1;
    memory.push(process.memoryUsage().rss / 1024 / 1024);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const [forgeries, bodies] = await attacks;
  await receiver.close();
  const tenths = Array.from({ length: 10 }, (_, n) => {
    const part = memory.slice((n * memory.length) / 10, ((n + 1) * memory.length) / 10);
    return part.reduce((a, b) => Math.max(a, b), 0).toFixed(0);
  });
  print(`flood of ${floodSeconds} s from the same address as the honest sender`);
  print(`forged 2 KB     ${JSON.stringify(forgeries.statuses)}`);
  print(`forged 1 MB     ${JSON.stringify(bodies.statuses)}`);
  print(`honest          ${JSON.stringify(answers)} of ${sent}, ${handedOver} handed over`);
  print(
    `latency         p50 ${quantile(latenciesMs, 0.5)} ms, p99 ${quantile(latenciesMs, 0.99)} ms, max ${quantile(latenciesMs, 1)} ms`,
  );
  print(`resident memory ${tenths.join(' ')} MB (peak of each tenth of the time)`);
  print(`log lines       ${lines}`);
}

async function honest(port: number, body: Buffer, id: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/webhooks/docproc`, {
    method: 'POST',
    headers: sign(SCHEME, SECRET, { id, timestampMs: Date.now(), body }),
    body: new Uint8Array(body),
  });
  await response.arrayBuffer();
  return String(response.status);
}

function service() {
  return {
    integration,
    toleranceMs: 300_000,
    secrets: async () => [SECRET],
    tokenSecrets: async () => ['a token secret of 32 characters!'],
  };
}

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

function median(sample: readonly number[]): number {
  return sample.toSorted((a, b) => a - b)[Math.floor(sample.length / 2)] ?? 0;
}

function quantile(sample: readonly number[], q: number): string {
  const sorted = sample.toSorted((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0).toFixed(1);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

if (rounds > 0) await throughput();
if (floodSeconds > 0) await flood();
