import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The name in the server's certificate. */
export const SERVER_NAME = 'temporal.test';

/** Files of a certificate authority, and of a server and a client it vouches for. */
export interface Certificates {
  readonly ca: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
}

/** Makes certificates that hold for two days. @throws what `openssl` says; it has to be installed */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const config = join(folder, 'openssl.cnf');
  const sections = ['[req]', 'distinguished_name=name', '[name]', '[ca]', 'basicConstraints=critical,CA:TRUE'];
  const leaf = ['[leaf]', 'basicConstraints=critical,CA:FALSE', `subjectAltName=DNS:${SERVER_NAME}`];
  await writeFile(config, [...sections, ...leaf, ''].join('\n'));
  const make = async (name: string, more: readonly string[]) => {
    const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    const out = ['-subj', `/CN=${name}`, '-keyout', key, '-out', cert, '-config', config];
    await run('openssl', ['req', '-x509', ...kind, ...out, ...more]);
    return { cert, key };
  };
  const ca = await make('ca', ['-extensions', 'ca']);
  const signed = ['-extensions', 'leaf', '-CA', ca.cert, '-CAkey', ca.key];
  return { ca: ca.cert, server: await make('server', signed), client: await make('client', signed) };
}
