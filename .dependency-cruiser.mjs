/** Layers: who may import whom. docs/architecture.md says why. @type {import('dependency-cruiser').IConfiguration} */
const src = (...folders) => `^src/(${folders.join('|')})/`;
const only = (name, folder, allowed, packages) => ({
  name,
  severity: 'error',
  from: { path: src(folder) },
  to: { pathNot: [src(folder, ...allowed), ...packages] },
});
const node = '^(node:)?[a-z_/]+$';
const packages = (...names) => `^node_modules/(${names.join('|')})/`;

export default {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'not-resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    only('contracts-import-nothing', 'contracts', [], []),
    only('rules-are-pure', 'rules', ['contracts'], []),
    only(
      'workflows-stay-in-the-sandbox',
      'workflows',
      ['contracts', 'rules'],
      [packages('@temporalio/workflow', '@temporalio/common')],
    ),
    {
      name: 'workflows-never-reach-node',
      comment: 'transitively, too',
      severity: 'error',
      from: { path: '^src/workflows/' },
      to: { reachable: true, path: '^(node:)?(fs|crypto|path|os|http|https|net|child_process|worker_threads)(/|$)' },
    },
    only(
      'http-below-activities',
      'http',
      ['contracts', 'rules'],
      // What a configuration says of authentication is a type of `definition`, and only that may be known here.
      ['^src/definition/config-types\\.ts$', node, packages('undici', 'oauth4webapi', 'zod', 'pino')],
    ),
    only('definition-is-data', 'definition', ['contracts', 'rules'], [node, packages('zod', 'yaml')]),
    only(
      'authoring-needs-no-temporal',
      'authoring',
      ['contracts', 'rules', 'definition', 'gen', 'proof'],
      [
        node,
        packages('mdast-util-from-markdown', 'mdast-util-gfm-table', 'micromark-extension-gfm-table', 'yaml', 'zod'),
      ],
    ),
    only('gen-is-pure', 'gen', ['contracts', 'rules', 'definition'], [packages('yaml')]),
    only(
      'proof-stands-below-the-worker',
      'proof',
      ['contracts', 'rules', 'definition', 'http', 'webhooks'],
      [node, packages('zod')],
    ),
    only('probes-ask-as-jobs-do', 'probe', ['contracts', 'rules', 'definition', 'http', 'activities'], []),
    only(
      'codec-stands-alone',
      'codec',
      ['contracts', 'rules', 'definition'],
      [node, packages('@temporalio/common', '@temporalio/proto')],
    ),
    only(
      'openfeature-is-a-view-of-the-client',
      'openfeature',
      ['contracts', 'rules', 'client'],
      [packages('@openfeature/server-sdk', '@temporalio/client')],
    ),
    only('logging-is-pino', 'logging', ['contracts', 'rules'], [node, packages('pino')]),
    only(
      'tracing-stands-alone',
      'tracing',
      ['contracts', 'http', 'webhooks'],
      [node, packages('@opentelemetry/[^/]+', '@temporalio/(interceptors-opentelemetry|worker|workflow)')],
    ),
    {
      name: 'only-cli-traces',
      comment: 'off costs nothing: whatever is traced is given it as an argument',
      severity: 'error',
      from: { path: '^src/', pathNot: src('cli', 'tracing') },
      to: { path: '^src/tracing/' },
    },
    only('provision-stands-low', 'provision', ['contracts'], [node]),
    only('embedded-stands-low', 'embedded', ['contracts', 'provision'], [node]),
    {
      name: 'activities-never-workflows',
      severity: 'error',
      from: { path: '^src/activities/' },
      to: { path: src('workflows', 'workers', 'cli', 'client', 'sandbox', 'webhooks', 'testing') },
    },
    {
      name: 'webhooks-and-client-stay-light',
      severity: 'error',
      from: { path: src('webhooks', 'client', 'openfeature') },
      to: {
        path: [
          src('workflows', 'activities', 'workers', 'cli', 'sandbox', 'testing'),
          '^node_modules/@temporalio/(worker|testing)/',
        ],
      },
    },
    {
      name: 'client-never-reaches-the-worker',
      comment: 'a service that imports the client gets neither the native module, nor the sandbox, nor OpenFeature',
      severity: 'error',
      from: { path: '^src/client/' },
      to: {
        reachable: true,
        path: [
          '^node_modules/@temporalio/(worker|core-bridge|testing)/',
          '^node_modules/@openfeature/',
          '^src/sandbox/',
        ],
      },
    },
    {
      name: 'sandbox-stands-alone',
      comment: 'it is the other company',
      severity: 'error',
      from: { path: '^src/sandbox/' },
      to: { path: '^src/', pathNot: '^src/sandbox/' },
    },
    {
      name: 'only-cli-composes-workers',
      severity: 'error',
      from: { path: '^src/', pathNot: src('workers', 'cli', 'testing') },
      to: { path: '^src/workers/' },
    },
    {
      name: 'nothing-imports-cli',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'only-cli-imports-testing',
      comment: '`playbook test` runs what the tests of integrations run',
      severity: 'error',
      from: { path: '^src/', pathNot: src('testing', 'cli') },
      to: { path: '^src/testing/' },
    },
    {
      name: 'src-never-test',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|integrations|bench|scripts)/' },
    },
    {
      name: 'integrations-never-each-other',
      severity: 'error',
      from: { path: '^integrations/([^/]+)/' },
      to: { path: '^integrations/([^/]+)/', pathNot: '^integrations/$1/' },
    },
    {
      name: 'no-dev-deps-in-src',
      severity: 'error',
      from: { path: ['^src/', '^integrations/[^/]+/src/'] },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    parser: 'swc',
    enhancedResolveOptions: {
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      exportsFields: ['exports'],
    },
  },
};
