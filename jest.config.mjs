/**
 * Unit tests run offline and in parallel; `*.temporal.test.ts` share one real Temporal server (see test/setup), and so do
 * `*.long.test.ts`, which `npm run test:long` runs: what takes too long for every `npm test`.
 */
const shared = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { sourceMaps: 'inline', jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.playbook/'],
};
const server = {
  globalSetup: '<rootDir>/test/setup/global-setup.ts',
  globalTeardown: '<rootDir>/test/setup/global-teardown.ts',
};
const roots = (suffix) => [`<rootDir>/test/**/*${suffix}`, `<rootDir>/integrations/*/tests/**/*${suffix}`];

/** @type {import('jest').Config} */
export default {
  coverageProvider: 'babel',
  collectCoverageFrom: ['src/**/*.ts', 'integrations/*/src/**/*.ts'],
  coverageDirectory: 'coverage',
  testTimeout: 60_000,
  reporters: ['default', '<rootDir>/test/setup/record-runs.mjs'],
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: roots('.test.ts'),
      testPathIgnorePatterns: ['/node_modules/', '\\.(temporal|long)\\.test\\.ts$'],
    },
    {
      ...shared,
      displayName: 'temporal',
      testMatch: roots('.temporal.test.ts'),
      ...server,
    },
    { ...shared, displayName: 'long', testMatch: roots('.long.test.ts'), ...server },
  ],
};
