/**
 * Keeps, for each test file of an integration, how it ended and on which code: what `playbook check` goes by when it says that a
 * test has run. Read by src/authoring/check/test-runs.ts.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

const TEST_RUNS = 'node_modules/.cache/playbook/test-runs.json';

/** A reporter of jest's; it prints nothing. */
// oxlint-disable-next-line import/no-default-export -- what jest asks of a reporter
export default class RecordRuns {
  #root;
  #runs = {};

  constructor({ rootDir }) {
    this.#root = rootDir;
  }

  onTestFileResult(test, { numPassingTests, numFailingTests, numPendingTests, numTodoTests, testExecError }) {
    const path = relative(this.#root, test.path).split(sep).join('/');
    const [folder, service] = path.split('/');
    if (folder !== 'integrations') return;
    const src = join(this.#root, folder, service, 'src');
    const sources = readdirSync(src, { recursive: true }).filter((name) => name.endsWith('.ts'));
    const files = [path, ...sources.map((name) => `${folder}/${service}/src/${name.split(sep).join('/')}`)];
    this.#runs[path] = {
      passed: numPassingTests,
      failed: numFailingTests + (testExecError ? 1 : 0),
      skipped: numPendingTests + numTodoTests,
      files: Object.fromEntries(files.map((file) => [file, this.#hash(file)])),
    };
  }

  onRunComplete() {
    if (Object.keys(this.#runs).length === 0) return;
    const path = join(this.#root, TEST_RUNS);
    mkdirSync(dirname(path), { recursive: true });
    const aside = `${path}.${process.pid}.tmp`;
    writeFileSync(aside, `${JSON.stringify({ ...read(path), ...this.#runs }, undefined, 2)}\n`);
    renameSync(aside, path);
  }

  #hash(file) {
    return createHash('sha256')
      .update(readFileSync(join(this.#root, file)))
      .digest('hex');
  }
}

function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}
