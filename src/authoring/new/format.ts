import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What is asked of a project's prettier. */
interface Prettier {
  readonly resolveConfig: (path: string) => Promise<object | null>;
  readonly format: (text: string, options: object) => Promise<string>;
}

/**
 * Lays files out as a project does, with the prettier it has among its own dependencies: where a line is broken depends on the names
 * of a service, which no template knows. A project without prettier gets them as they are, and so does a file that does
 * not parse: the build says more of it.
 * @param files by path in `folder`
 */
export async function formatFiles(
  project: string,
  folder: string,
  files: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, string>> {
  const prettier = await prettierOf(project);
  if (prettier === undefined) return files;
  const formatted = [...files].map(async ([path, text]) => {
    const filepath = join(folder, path);
    const options = { ...(await prettier.resolveConfig(filepath)), filepath };
    return [path, await prettier.format(text, options).catch(() => text)] as const;
  });
  return new Map(await Promise.all(formatted));
}

async function prettierOf(project: string): Promise<Prettier | undefined> {
  let path: string;
  try {
    path = createRequire(join(project, 'package.json')).resolve('prettier');
  } catch {
    return undefined;
  }
  return ((await import(pathToFileURL(path).href)) as { readonly default: Prettier }).default;
}
