import { fileURLToPath } from 'node:url';
import { FAILURE_CONVERTER } from '../codec/data-converter.ts';

/** The kinds of workflow bundle. */
export interface Bundle {
  /** With the failure converter that lets a codec reach what workflows throw. */
  readonly encrypting: boolean;
}

export const BUNDLES: readonly Bundle[] = [{ encrypting: false }, { encrypting: true }];

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const inSources = (path: string): string =>
  fileURLToPath(new URL(`../workflows/${path}.${extension}`, import.meta.url));

/** Its file in `dist/`. */
export function bundleName({ encrypting }: Bundle): string {
  return encrypting ? 'workflow-bundle.encrypting.js' : 'workflow-bundle.js';
}

/** What `bundleWorkflowCode` makes it of. */
export function bundleOptions({ encrypting }: Bundle): {
  readonly workflowsPath: string;
  readonly workflowInterceptorModules: string[];
  readonly preloadModules: string[];
  readonly failureConverterPath?: string;
} {
  return {
    workflowsPath: inSources('index'),
    workflowInterceptorModules: [inSources('trace-interceptors')],
    preloadModules: [inSources('index'), inSources('trace-interceptors')],
    ...(encrypting ? { failureConverterPath: FAILURE_CONVERTER } : {}),
  };
}
