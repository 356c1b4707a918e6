/**
 * Records a history of each path a job can take into `test/histories`, by running the tests that take these paths. What is there
 * already stays; to record one anew, delete it first (only while no job of that code can be running anywhere).
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const args = [
  '--disable-warning=ExperimentalWarning',
  '--experimental-vm-modules',
  'node_modules/jest/bin/jest.js',
  'test/workflows',
  'test/kill',
  'test/batch',
  'test/rollout',
  'test/gate/gate.temporal',
  '--selectProjects=temporal',
];
const env = { ...process.env, RECORD_HISTORIES: '1' };
spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' }).once('close', (code) => {
  process.exitCode = code ?? 1;
});
