import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { collectGarbage } from '../helpers/collect-garbage.ts';
import { openInputFile } from '../../src/activities/index.ts';
import type { FileRef } from '../../src/contracts/jobs.ts';

const CONTENT = 'Grüße';
const refTo = (uri: string, content = CONTENT): FileRef => ({
  uri,
  sha256: createHash('sha256').update(content).digest('hex'),
  bytes: Buffer.byteLength(content),
  contentType: 'text/plain',
});
const { signal } = new AbortController();
const read = async (file: FileRef): Promise<string> => {
  const local = await openInputFile(file, signal);
  try {
    return await text(local.open());
  } finally {
    await local.dispose();
  }
};

describe('an input file on this machine', () => {
  let folder: string;
  let uri: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'playbook-input-test-'));
    uri = pathToFileURL(join(folder, 'a b.txt')).href;
    await writeFile(join(folder, 'a b.txt'), CONTENT);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is read where it is', async () => {
    expect(await read(refTo(uri))).toBe(CONTENT);
  });

  it('is FILE_CHANGED when its content or its size is not what was accepted', async () => {
    await expect(read(refTo(uri, 'other'))).rejects.toMatchObject({ code: 'FILE_CHANGED' });
    await expect(read({ ...refTo(uri), bytes: 1 })).rejects.toMatchObject({ code: 'FILE_CHANGED' });
  });

  it('is FILE_NOT_FOUND when it cannot be read', async () => {
    await expect(read(refTo(`${uri}.gone`))).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
      message: expect.stringContaining('a%20b.txt.gone cannot be read (ENOENT).'),
    });
  });
});

describe('an input file to be downloaded', () => {
  let server: Server;
  let origin: string;
  let status = 200;
  beforeAll(async () => {
    server = createServer((_, response) => response.writeHead(status).end(CONTENT));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const leftovers = async (): Promise<string[]> =>
    (await readdir(tmpdir())).filter((name) => /^playbook-input-\w{6}$/.test(name));

  it('is read from a copy that is gone afterwards', async () => {
    const before = await leftovers();
    expect(await read(refTo(`${origin}/a.txt`))).toBe(CONTENT);
    expect(await leftovers()).toEqual(before);
  });

  it('is FILE_CHANGED when other bytes come, without the URL’s query in the message', async () => {
    const before = await leftovers();
    for (const expected of ['other', 'much longer than what comes', '']) {
      const failure = read(refTo(`${origin}/a.txt?signature=hush`, expected));
      await expect(failure).rejects.toMatchObject({
        code: 'FILE_CHANGED',
        message: expect.not.stringContaining('hush'),
      });
    }
    expect(await leftovers()).toEqual(before);
  });

  it.each([
    [403, 'FILE_NOT_FOUND'],
    [404, 'FILE_NOT_FOUND'],
    [429, 'SERVICE_UNAVAILABLE'],
    [503, 'SERVICE_UNAVAILABLE'],
  ])('answered with %i is %s', async (answered, code) => {
    status = answered;
    await expect(read(refTo(`${origin}/a.txt`))).rejects.toMatchObject({ code });
    status = 200;
  });

  it('from a server that is away is SERVICE_UNAVAILABLE', async () => {
    await expect(read(refTo('http://127.0.0.1:9/a.txt'))).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  });

  it('is given up when it drips for too long, whatever garbage is collected meanwhile', async () => {
    const dripping = createServer((_, response) => {
      response.writeHead(200).write(CONTENT.slice(0, 1));
    });
    await new Promise<void>((resolve) => dripping.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(dripping.address() as AddressInfo).port}/a.txt`;
    const collecting = setInterval(collectGarbage, 20);
    try {
      await expect(openInputFile(refTo(url), signal, 300)).rejects.toMatchObject({
        code: 'SERVICE_UNAVAILABLE',
        message: expect.stringContaining('cannot be downloaded: not complete after 0.3 s.'),
      });
    } finally {
      clearInterval(collecting);
      dripping.closeAllConnections();
      dripping.close();
    }
  });

  it('is given up when the attempt is stopped', async () => {
    const stopped = AbortSignal.abort();
    await expect(openInputFile(refTo(`${origin}/a.txt`), stopped)).rejects.toMatchObject({ name: 'AbortError' });
  });
});
