import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DataConverter } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import type { WorkflowBundleOption } from '@temporalio/worker';
import { z } from 'zod';
import { integration as docproc } from '../../integrations/docproc/src/index.ts';
import { extractionInput } from '../../integrations/docproc/src/models.ts';
import { codecFromEnvironment, dataConverterFromEnvironment } from '../../src/codec/index.ts';
import { defineIntegration, pci, pii } from '../../src/definition/index.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { createRedactor } from '../../src/logging/redactor.ts';
import { callbackUrl, issueCallbackToken } from '../../src/definition/callback-token.ts';
import { playbook } from '../cli/helpers/test-io.ts';
import type { FaultsInput } from '../../src/sandbox/faults/schema.ts';
import { startStack } from '../helpers/stack.ts';
import type { Stack } from '../helpers/stack.ts';
import { sharedAddress, testNamespace } from '../helpers/temporal.ts';
import { everythingStored } from './support/everything-stored.ts';
import type { Stored } from './support/everything-stored.ts';
import { FAULT_SECTIONS } from './support/config.ts';
import { startTokenProxy } from './support/token-proxy.ts';

const canary = (name: string): string => `canary-${name}-${randomBytes(12).toString('hex')}`;

const SECRETS = {
  client: canary('client'),
  webhook: `whsec_${Buffer.from(canary('webhook')).toString('base64').slice(0, 48)}`,
  callback: canary('callback'),
  codec: randomBytes(32).toString('hex'),
};
/** Personal data: in the input, in the document and so in the result. */
const PERSON = canary('person');
const NOTE = canary('note');
const CARD = '4111111111111111';
const PERSONAL = [PERSON, NOTE, CARD];

const CODEC_ENV = { PLAYBOOK_CODEC_KEYS: 'k1=env:CODEC_KEY', CODEC_KEY: SECRETS.codec };

describe.each([
  ['a client secret, histories as Temporal keeps them', 'canary-plain', 'oauth', {}],
  ['an API key, histories encrypted', 'canary-coded', 'api-key', CODEC_ENV],
] as const)('with %s', (_title, service, auth, env: Record<string, string>) => {
  const integration = defineIntegration({
    ...docproc,
    service,
    input: extractionInput.extend({ note: pii(z.string()), card: pci(z.string()) }),
  });
  const lines: string[] = [];
  const codec = codecFromEnvironment(env);
  let stack: Stack;
  let proxy: Awaited<ReturnType<typeof startTokenProxy>>;
  /** Answers of jobs, and what the command said of them. */
  let errors: string[];
  let commands: string;
  let stored: Stored;

  beforeAll(async () => {
    const redactor = createRedactor();
    const logger = createLogger({
      redactor,
      level: 'trace',
      pretty: false,
      destination: { write: (line) => lines.push(line) },
    });
    proxy = await startTokenProxy(() => `${stack.sandbox.url}/oauth/token`);
    const dataConverter = dataConverterFromEnvironment(env);
    stack = await startStack({
      integration,
      logger,
      onResolved: redactor.learn,
      sandbox: {
        auth,
        clients: [{ id: 'docproc-sandbox', secret: SECRETS.client, scopes: ['jobs.write', 'jobs.read'] }],
        webhook: { secret: SECRETS.webhook },
      },
      env: {
        DOCPROC_CLIENT_SECRET: SECRETS.client,
        DOCPROC_WEBHOOK_SECRET: SECRETS.webhook,
        DOCPROC_CALLBACK_SECRET: SECRETS.callback,
      },
      config: (url) => `${FAULT_SECTIONS(url).replace('max_attempts: 8', 'max_attempts: 2')}\n${authSection()}`,
      ...(dataConverter === undefined ? {} : { encryption: await encryption(dataConverter) }),
    });
    errors = await runJobs();
    const options = { env: { TEMPORAL_ADDRESS: sharedAddress(), TEMPORAL_NAMESPACE: testNamespace(), ...env } };
    const said = [
      await playbook(['jobs', 'list', '--service', service, '--json'], options),
      await playbook(['jobs', 'list', '--service', service, '--state', 'FAILED'], options),
      await playbook(['jobs', 'status', `${service}/good`, '--json'], options),
      await playbook(['jobs', 'status', `${service}/drifted`], options),
      await playbook(['jobs', 'wait', `${service}/refused`, '--max-wait', '1s', '--json'], options),
    ];
    commands = said.map(({ out, err }) => out + err).join('\n');
    stored = await everythingStored(stack.temporal, service, codec);
  });
  afterAll(async () => {
    // A client without the key cannot list what is encrypted, and other tests share the namespace.
    const { connection, options } = stack.temporal;
    for await (const { workflowId, runId } of stack.temporal.workflow.list()) {
      if (!workflowId.includes(service)) continue;
      const workflowExecution = { workflowId, runId };
      await connection.workflowService.deleteWorkflowExecution({ namespace: options.namespace, workflowExecution });
    }
    await stack.close();
    await proxy.close();
  });

  const authSection = (): string =>
    auth === 'api-key'
      ? 'auth: { type: api_key, header: X-Api-Key, key: env:DOCPROC_CLIENT_SECRET }'
      : `auth:
  type: oauth_client_credentials
  token_url: ${proxy.url}
  scopes: [jobs.write, jobs.read]
  client_id: docproc-sandbox
  client_secret: env:DOCPROC_CLIENT_SECRET`;

  /** Jobs that succeed, fail at the service, meet a drifted contract, run out of attempts and have unfit input. */
  async function runJobs(): Promise<string[]> {
    const text = `Patient ${PERSON}, card ${CARD}.`;
    const run = async (key: string, name: string, content: string): Promise<string> => {
      const input = { ...(await stack.document(name, content)), note: NOTE, card: CARD };
      const answer = await (await stack.playbook.start(integration, input, { key })).result({ maxWaitMs: 20_000 });
      return answer.state === 'FAILED' ? `${answer.error?.code}: ${answer.error?.message}` : answer.state;
    };
    const under = async (rule: FaultsInput['rules'], key: string): Promise<string> => {
      stack.sandbox.faults({ rules: rule ?? [] });
      try {
        return await run(key, `${key}.txt`, `${text} ${key}`);
      } finally {
        stack.sandbox.clearFaults();
      }
    };
    const result = [
      await run('good', 'good.txt', text),
      await run('broken', 'broken.pdf', `%PDF-1.7 ${text}`),
      await under([{ kind: 'drift', method: 'GET', remove: ['result.sha256'] }], 'drifted'),
      await under([{ kind: 'drift', method: 'GET', status: PERSON.slice(0, 20) }], 'renamed'),
      await under([{ kind: 'error', method: 'POST', path: '/v3/jobs', status: 500 }], 'refused'),
      await under([{ kind: 'reset', method: 'POST', path: '/v3/jobs', at: 'after', count: 2 }], 'reset'),
    ];
    const unfit = { ...(await stack.document('unfit.txt', text)), note: 7, card: CARD, extra: NOTE };
    await expect(stack.playbook.start(integration, unfit as never, { key: 'unfit' })).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', message: expect.not.stringContaining(NOTE) }),
    );
    const token = issueCallbackToken(SECRETS.callback, { service, key: 'good', generation: 1 });
    const forged = callbackUrl(stack.config.webhook?.public_url ?? '', service, token);
    await fetch(forged, { method: 'POST', body: text, headers: { 'webhook-signature': `v1,${SECRETS.client}` } });
    return result;
  }

  it('runs every kind of job', () => {
    expect(errors.map((error) => error.split(':')[0])).toEqual([
      'COMPLETED',
      'REMOTE_FAILED',
      'CONTRACT_VIOLATION',
      'UNKNOWN_STATUS',
      'RETRIES_EXHAUSTED',
      'COMPLETED',
    ]);
    expect(lines.length).toBeGreaterThan(1);
    expect(commands).toContain(`${service}/good`);
    expect(stored.decoded).toContain(PERSON);
    expect(proxy.tokens.length > 0).toBe(auth === 'oauth');
  });

  it('shows no secret anywhere: log, history, memo, search attributes, errors, output of the command', () => {
    const places = { log: lines.join(''), errors: errors.join('\n'), commands, ...stored };
    for (const secret of [...Object.values(SECRETS), ...proxy.tokens]) {
      for (const [place, text] of Object.entries(places)) {
        expect({ place, found: text.includes(secret) }).toEqual({ place, found: false });
        expect({ place, found: text.includes(Buffer.from(secret).toString('base64url')) }).toEqual({
          place,
          found: false,
        });
      }
    }
  });

  it('shows personal data in no log line, error or command about jobs', () => {
    const places = { log: lines.join(''), errors: errors.join('\n'), failures: stored.failures, commands };
    for (const value of PERSONAL) {
      for (const [place, text] of Object.entries(places)) {
        expect({ place, found: text.includes(value) }).toEqual({ place, found: false });
      }
    }
  });

  it('leaves personal data readable on the server only without encryption', () => {
    expect(PERSONAL.map((value) => stored.raw.includes(value))).toEqual(PERSONAL.map(() => codec === undefined));
  });
});

async function encryption(dataConverter: DataConverter): Promise<{
  readonly dataConverter: DataConverter;
  readonly workflowBundle: WorkflowBundleOption;
}> {
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url)),
    failureConverterPath: String(dataConverter.failureConverterPath),
    logger: new DefaultLogger('ERROR'),
  });
  return { dataConverter, workflowBundle };
}
