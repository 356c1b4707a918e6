import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { startSandbox } from '../../../src/sandbox/index.ts';
import type { Sandbox, SandboxOptions } from '../../../src/sandbox/index.ts';
import { until } from '../../../test/helpers/until.ts';
import { scanDto } from '../src/models.ts';

/** An answer of wavescan. */
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: unknown;
}

/** wavescan's sandbox as `sandbox.yaml` has it, asked by hand. */
export interface Wavescan {
  readonly sandbox: Sandbox;
  readonly call: (method: string, path: string, body?: unknown) => Promise<Answer>;
  /** Puts a recording there. @returns its hash */
  readonly upload: (bytes: Uint8Array) => Promise<string>;
  /** Waits until a scan is in one of the phases that end it. @returns its phase */
  readonly over: (id: string) => Promise<string>;
  readonly close: () => Promise<void>;
}

export async function startWavescan(more: SandboxOptions = {}): Promise<Wavescan> {
  const options = parse(await readFile(new URL('../sandbox.yaml', import.meta.url), 'utf8')) as SandboxOptions;
  const sandbox = await startSandbox({ ...options, processing: { minMs: 0, maxMs: 0 }, ...more });
  const headers = { 'x-wavescan-key': 'sandbox-secret' };
  const call: Wavescan['call'] = async (method, path, body) => {
    const isBytes = body instanceof Uint8Array;
    const answer = await fetch(`${sandbox.url}${path}`, {
      method,
      headers: { ...headers, 'content-type': isBytes ? 'audio/wav' : 'application/json' },
      ...(body === undefined ? {} : { body: isBytes ? new Uint8Array(body) : JSON.stringify(body) }),
    });
    return { status: answer.status, headers: answer.headers, json: await answer.json() };
  };
  return {
    sandbox,
    call,
    upload: async (bytes) => {
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      await call('PUT', `/v2/recordings/${sha256}`, bytes);
      return sha256;
    },
    over: async (id) => {
      let phase = '';
      await until(`${id} is over`, async () => {
        ({ phase } = scanDto.parse((await call('GET', `/v2/scans/${id}`)).json));
        return phase !== 'queued' && phase !== 'scanning';
      });
      return phase;
    },
    close: sandbox.close,
  };
}
