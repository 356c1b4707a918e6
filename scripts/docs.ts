/** Writes the documents that follow from code. A test fails where they drift. */
import { writeFile } from 'node:fs/promises';
import { errorsPage } from './errors-page.ts';
import { metricsPage } from './metrics-page.ts';

await writeFile(new URL('../docs/errors.md', import.meta.url), errorsPage());
await writeFile(new URL('../docs/metrics.md', import.meta.url), metricsPage());
