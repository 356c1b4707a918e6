import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { PlaybookError } from '../../src/contracts/errors.ts';
import {
  checkConfig,
  checkEnvironments,
  configDigest,
  loadConfig,
  parseConfig,
  secretRefs,
} from '../../src/definition/index.ts';
import type { AuthConfig } from '../../src/definition/index.ts';
import { sample } from './sample-integration.ts';

/** The example of the playbook's Step 4, as it stands there. */
const GUIDE = `service:
  base_url: https://api.sandbox.example.com
  version: v3
  timeouts:
    connect_ms: 1000
    read_ms: 4000
  retry:
    max_attempts: 3
    backoff_ms: 200,400,800
  rate_limit:
    qps_cap: 8
auth:
  type: oauth_client_credentials
  token_url: https://auth.example.com/oauth/token
  scopes: ["jobs.write", "jobs.read"]
observability:
  structured_logs: true
  trace_spans: true
  cost_tracking: true
`;
/** The least a configuration can be. */
const LEAST = `service: { base_url: 'https://api.example.com/', version: v1, rate_limit: { qps_cap: 0.5 } }
auth: { type: none }
`;

const parse = (text: string, service = 'doc-proc') => parseConfig(text, { service });

function problemsOf(text: string): string[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof PlaybookError && error.code === 'CONFIG_INVALID') {
      return error.message
        .split('\n')
        .slice(1)
        .map((line) => line.trim());
    }
    throw error;
  }
  throw new Error('no problem was found');
}

describe('parseConfig', () => {
  it('reads the playbook’s own example, with a default for everything it leaves out', () => {
    expect(parse(GUIDE)).toEqual({
      environment: 'sandbox',
      service: {
        base_url: 'https://api.sandbox.example.com',
        version: 'v3',
        timeouts: { connect_ms: 1000, read_ms: 4000, total_ms: 30_000 },
        retry: { max_attempts: 3, backoff_ms: [200, 400, 800] },
        rate_limit: { qps_cap: 8, window: 'sliding', window_ms: 1000 },
      },
      auth: {
        type: 'oauth_client_credentials',
        token_url: 'https://auth.example.com/oauth/token',
        scopes: ['jobs.write', 'jobs.read'],
        client_id: 'env:DOC_PROC_CLIENT_ID',
        client_secret: 'env:DOC_PROC_CLIENT_SECRET',
        client_auth: 'client_secret_basic',
      },
      polling: { grace_ms: 0, initial_ms: 1000, factor: 1.6, max_ms: 60_000 },
      deadline_ms: 86_400_000,
      cost: { tags: {} },
      observability: { structured_logs: true, trace_spans: true, cost_tracking: true },
    });
  });

  it('freezes the result all the way down', () => {
    const config = parse(GUIDE);
    expect(() => {
      (config.service.retry.backoff_ms as number[])[0] = 0;
    }).toThrow(TypeError);
  });

  it('derives references from service and environment, so that environments share none', () => {
    const webhook = 'webhook: { public_url: https://hooks.example.com }\n';
    const sandbox = parse(GUIDE + webhook);
    const production = parse(`environment: production\n${GUIDE}${webhook}`);
    expect(
      secretRefs(production)
        .map(({ ref }) => ref)
        .toSorted(),
    ).toEqual([
      'env:DOC_PROC_PRODUCTION_CALLBACK_SECRET',
      'env:DOC_PROC_PRODUCTION_CLIENT_ID',
      'env:DOC_PROC_PRODUCTION_CLIENT_SECRET',
      'env:DOC_PROC_PRODUCTION_WEBHOOK_SECRET',
    ]);
    expect(() => checkEnvironments([sandbox, production])).not.toThrow();
  });

  it('gives the webhook two seconds before the first poll', () => {
    expect(parse(`${LEAST}webhook: { public_url: https://h.example }`).polling.grace_ms).toBe(2000);
    expect(parse(`${LEAST}webhook: { public_url: https://h.example }\npolling: { grace_ms: 0 }`).polling.grace_ms).toBe(
      0,
    );
    expect(parse(`${LEAST}webhook: { public_url: https://h.example/ }`).webhook).toEqual({
      public_url: 'https://h.example',
      secrets: ['env:DOC_PROC_WEBHOOK_SECRET'],
      tolerance_s: 300,
      token_secret: 'env:DOC_PROC_CALLBACK_SECRET',
    });
  });

  it.each([
    ['250', 250],
    ['"250"', 250],
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
  ])('reads the duration %s as %d ms', (text, ms) => {
    expect(parse(`${LEAST}deadline_ms: ${text}`).deadline_ms).toBe(ms);
  });

  it.each([
    ['200,400, 800', [200, 400, 800]],
    ['[200, 1s]', [200, 1000]],
    ['300', [300]],
  ])('reads the back-off %s', (text, steps) => {
    const config = parse(
      LEAST.replace('version: v1', `version: v1, retry: { backoff_ms: ${JSON.stringify(text)} }`).replace(
        /"(\[.*\]|\d+)"/,
        '$1',
      ),
    );
    expect(config.service.retry.backoff_ms).toEqual(steps);
  });

  it('allows more in all than the other timeouts take together', () => {
    const config = parse(LEAST.replace('version: v1', 'version: v1, timeouts: { read_ms: 60s }'));
    expect(config.service.timeouts).toEqual({ connect_ms: 1000, read_ms: 60_000, total_ms: 61_000 });
  });

  it.each<[string, AuthConfig]>([
    ['type: none', { type: 'none' }],
    [
      'type: oauth_client_credentials, token_url: https://a.example/t, client_auth: private_key_jwt, client_id: me, key_id: k',
      {
        type: 'oauth_client_credentials',
        token_url: 'https://a.example/t',
        scopes: [],
        client_auth: 'private_key_jwt',
        client_id: 'me',
        key_id: 'k',
        private_key: 'env:DOC_PROC_PRIVATE_KEY',
      },
    ],
    [
      'type: jwt_bearer, token_url: https://a.example/t, issuer: me',
      {
        type: 'jwt_bearer',
        token_url: 'https://a.example/t',
        scopes: [],
        issuer: 'me',
        private_key: 'env:DOC_PROC_PRIVATE_KEY',
      },
    ],
    ['type: api_key', { type: 'api_key', header: 'x-api-key', key: 'env:DOC_PROC_API_KEY' }],
    ['type: bearer, token: "file:/run/secrets/t"', { type: 'bearer', token: 'file:/run/secrets/t' }],
    ['type: bearer', { type: 'bearer', token: 'env:DOC_PROC_TOKEN' }],
    ['type: basic', { type: 'basic', username: 'env:DOC_PROC_USERNAME', password: 'env:DOC_PROC_PASSWORD' }],
    ['type: hmac, key_id: k', { type: 'hmac', key_id: 'k', secret: 'env:DOC_PROC_SIGNING_SECRET' }],
  ])('reads auth { %s }', (text, auth) => {
    expect(parse(LEAST.replace('type: none', text)).auth).toEqual(auth);
  });

  it('names every problem at once, with line and path, and shows no value that may be secret', () => {
    const text = `environment: Production
service:
  base_url: https://user:hunter2@api.example.com
  version: 3
  retry: { max_attempts: three, backoff_ms: 200;400 }
  timeouts: []
  rate_limit:
    qps_capp: 8
    window: slidng
    burst: 0
auth:
  type: oauth_client_credentials
  token_url: http://auth.example.com/token
  scopes: [a b]
  client_secret: hunter2
  client_auth: basic
webhook:
  public_url: ftp://x
  secrets: [hunter2]
  tolerance_s: 99999
  token_secret: vault:no-field
polling:
  initial_ms: -1
  max_ms: never
observability:
  structured_logs: "yes"
cost: { per_job_usd: -1, tags: { team: 7 } }
hunter: 2
`;
    expect(problemsOf(text)).toEqual([
      'line 1: environment must match /^[a-z][a-z0-9-]{0,38}$/ (got text)',
      'line 3: service.base_url must not contain credentials: refer to them under auth',
      'line 4: service.version must be text (got 3); write it in quotes',
      'line 5: service.retry.max_attempts must be a number (got text)',
      'line 5: service.retry.backoff_ms must be a list of whole milliseconds, such as 200,400,800 (got text)',
      'line 6: service.timeouts must be an object (got a list)',
      'line 8: service.rate_limit.qps_cap is missing: must be a number',
      'line 8: service.rate_limit.qps_capp is not a known key, did you mean qps_cap? Allowed: qps_cap, window, window_ms, burst, concurrency',
      'line 9: service.rate_limit.window must be one of sliding, fixed (got "slidng")',
      'line 10: service.rate_limit.burst must be at least 1 (got 0)',
      'line 13: auth.token_url must be https: plain http is accepted to this machine only (got host auth.example.com)',
      'line 14: auth.scopes[0] must match /^[\\x21\\x23-\\x5B\\x5D-\\x7E]+$/ (got text)',
      'line 15: auth.client_secret must be a reference to a secret (env:NAME, file:/path or vault:path#field); what stands there is not shown',
      'line 16: auth.client_auth must be one of client_secret_basic, client_secret_post, private_key_jwt (got "basic")',
      'line 18: webhook.public_url must be an absolute https:// URL',
      'line 19: webhook.secrets[0] must be a reference to a secret (env:NAME, file:/path or vault:path#field); what stands there is not shown',
      'line 20: webhook.tolerance_s must be at most 3600 (got 99999)',
      'line 21: webhook.token_secret must be a reference to a secret (env:NAME, file:/path or vault:path#field); what stands there is not shown',
      'line 23: polling.initial_ms must be whole milliseconds from 1 to 86400000, or such as 30s or 24h (got -1)',
      'line 24: polling.max_ms must be whole milliseconds from 1 to 86400000, or such as 30s or 24h (got text)',
      'line 26: observability.structured_logs must be true or false (got text)',
      'line 27: cost.per_job_usd must be at least 0 (got -1)',
      'line 27: cost.tags.team must be text (got 7); write it in quotes',
      'line 28: hunter is not a known key. Allowed: environment, service, auth, webhook, polling, deadline_ms, cost, fallback, notifications, observability',
    ]);
  });

  it.each([
    [
      'type: oauth',
      'line 2: auth.type must be one of none, oauth_client_credentials, jwt_bearer, api_key, bearer, basic, hmac (got "oauth")',
    ],
    [
      'type: beare',
      'line 2: auth.type must be one of none, oauth_client_credentials, jwt_bearer, api_key, bearer, basic, hmac (got "beare", did you mean bearer?)',
    ],
    [
      'header: x',
      'line 2: auth.type must be one of none, oauth_client_credentials, jwt_bearer, api_key, bearer, basic, hmac (got nothing)',
    ],
  ])('says which kinds of auth there are for { %s }', (text, problem) => {
    expect(problemsOf(LEAST.replace('type: none', text))).toEqual([problem]);
  });

  it.each([
    ['https://api.example.com/?a=1', 'service.base_url must not contain a query or a fragment'],
    [
      'http://192.168.0.1',
      'service.base_url must be https: plain http is accepted to this machine only (got host 192.168.0.1)',
    ],
    [
      'http://127.0.0.1.example.com',
      'service.base_url must be https: plain http is accepted to this machine only (got host 127.0.0.1.example.com)',
    ],
    ['api.example.com', 'service.base_url must be an absolute https:// URL'],
  ])('refuses the base URL %s', (url, problem) => {
    expect(problemsOf(LEAST.replace('https://api.example.com/', url))).toEqual([`line 1: ${problem}`]);
  });

  it.each(['http://localhost:8080', 'http://127.0.0.1:1/v3/', 'http://[::1]:80'])('accepts plain http to %s', (url) => {
    expect(parse(LEAST.replace('https://api.example.com/', url)).service.base_url).toBe(url.replace(/\/$/, ''));
  });

  it('refuses keys that do not fit each other', () => {
    const text = LEAST.replace('version: v1', 'version: v1, timeouts: { read_ms: 4000, total_ms: 3999 }');
    expect(problemsOf(`${text}polling: { initial_ms: 10, max_ms: 9 }`)).toEqual([
      'line 1: service.timeouts.total_ms must not be below read_ms (got 3999, read_ms is 4000)',
      'line 3: polling.max_ms must not be below initial_ms (got 9, initial_ms is 10)',
    ]);
  });

  it('refuses a cap that one process cannot send, whatever the window it is written for', () => {
    const capped = (limit: string): string =>
      `service: { base_url: 'https://api.example.com/', version: v1, rate_limit: { ${limit} } }\nauth: { type: none }\n`;
    const problem = (perSecond: number): string[] => [
      `line 1: service.rate_limit.qps_cap allows ${perSecond} requests per second, more than the 1000 one process sends; all requests to a service pass through one (docs/gate.md). Lower it`,
    ];
    expect(problemsOf(capped('qps_cap: 1001'))).toEqual(problem(1001));
    expect(problemsOf(capped('qps_cap: 130, window_ms: 100'))).toEqual(problem(1300));
    expect(parseConfig(capped('qps_cap: 1000'), { service: 'docproc' }).service.rate_limit.qps_cap).toBe(1000);
    expect(
      parseConfig(capped('qps_cap: 9000, window_ms: 60s'), { service: 'docproc' }).service.rate_limit.qps_cap,
    ).toBe(9000);
  });

  it('refuses a sandbox secret outside the sandbox', () => {
    const text = LEAST.replace('type: none', 'type: bearer, token: env:DOC_SANDBOX_TOKEN');
    expect(parse(text).auth).toEqual({ type: 'bearer', token: 'env:DOC_SANDBOX_TOKEN' });
    expect(problemsOf(`${text}environment: production`)).toEqual([
      'line 2: auth.token refers to a sandbox secret (env:DOC_SANDBOX_TOKEN) in environment production',
    ]);
  });

  it.each([
    ['a: [hunter2', 'line 1: not valid YAML: bad indent'],
    ['a: 1\na: hunter2', 'line 2: not valid YAML: duplicate key'],
    ['\ta: hunter2', 'line 1: not valid YAML: tab as indent'],
  ])('says where %j is not YAML, quoting nothing', (text, problem) => {
    expect(problemsOf(text)[0]).toBe(problem);
    expect(problemsOf(text).join()).not.toContain('hunter2');
  });

  it('refuses an alias bomb', () => {
    const bomb = `a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c]\n`;
    expect(() => parse(bomb)).toThrow('config is not valid YAML: an alias (*) is unknown or used too often.');
  });

  it('says what is missing from an empty file', () => {
    expect(problemsOf('')).toEqual(['service is missing: must be an object', 'auth is missing: must be an object']);
    expect(problemsOf('just text')).toEqual(['(top) must be an object (got text)']);
  });
});

describe('loadConfig', () => {
  it('reads a file, and names it in errors', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'config-'));
    try {
      const path = join(directory, 'config.yaml');
      await writeFile(path, GUIDE);
      expect(await loadConfig(path, { service: 'doc-proc' })).toEqual(parse(GUIDE));
      await writeFile(path, 'auth: { type: none }');
      await expect(loadConfig(path, { service: 'doc-proc' })).rejects.toThrow(
        new PlaybookError('CONFIG_INVALID', `${path} has a problem:\n  service is missing: must be an object`),
      );
      const gone = join(directory, 'gone.yaml');
      await expect(loadConfig(gone, { service: 'doc-proc' })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: `The configuration file ${gone} cannot be read (ENOENT). Check the path.`,
      });
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe('configDigest', () => {
  it('is the same for the same content, however it is written', () => {
    const digest = configDigest(parse(LEAST));
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(configDigest(parse(`auth:\n  type: none\n${LEAST.split('\n')[0]}`))).toBe(digest);
    expect(configDigest(parse(LEAST.replace('0.5', '0.6')))).not.toBe(digest);
  });
});

describe('checkConfig', () => {
  it('accepts what fits', () => {
    expect(() => checkConfig(sample, parse(`${GUIDE}webhook: { public_url: https://h.example }`))).not.toThrow();
    expect(() =>
      checkConfig({ ...sample, submit: { ...sample.submit, idempotency: { kind: 'none' } } }, parse(GUIDE)),
    ).not.toThrow();
  });

  it('refuses a deadline beyond the life of an idempotency key, and a webhook nobody reads', () => {
    const { webhook: _webhook, ...withoutWebhook } = sample;
    const config = parse(`${LEAST}deadline_ms: 8d\nwebhook: { public_url: https://h.example }`);
    expect(() => checkConfig(withoutWebhook, config)).toThrow(
      new PlaybookError(
        'CONFIG_INVALID',
        [
          'The configuration of sample does not fit its definition:',
          '  deadline_ms (691200000) is longer than the service remembers an idempotency key (604800000 ms): a late retry could run the job twice; lower deadline_ms',
          '  webhook is configured, but the integration defines none; remove the section',
        ].join('\n'),
      ),
    );
  });
});

describe('checkEnvironments', () => {
  it('names references two environments share', () => {
    const auth = 'type: bearer, token: env:SHARED';
    const sandbox = parse(LEAST.replace('type: none', auth));
    const production = parse(`environment: production\n${LEAST.replace('type: none', auth)}`);
    expect(() => checkEnvironments([sandbox, production])).toThrow(
      new PlaybookError(
        'CONFIG_INVALID',
        'Environments must not share secrets:\n  production auth.token uses env:SHARED, which is sandbox auth.token',
      ),
    );
    expect(() => checkEnvironments([sandbox, sandbox])).not.toThrow();
  });
});
