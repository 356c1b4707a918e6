import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's own folder. */
export const PACKAGE_FOLDER = dirname(createRequire(import.meta.url).resolve('#package'));

/** Where integrations keep what is no code: configuration, documents, demos. */
export const INTEGRATIONS_FOLDER = join(PACKAGE_FOLDER, 'integrations');

/** Where integrations' code is: beside this code, built or not. */
export const INTEGRATIONS_CODE = fileURLToPath(new URL('../../integrations', import.meta.url));
