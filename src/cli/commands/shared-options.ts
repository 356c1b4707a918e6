/** Flags that mean the same everywhere. */
export const CONFIG_OPTION = {
  value: '[service=]path',
  multiple: true,
  summary: 'configuration file; integrations/<service>/config.yaml if not given',
} as const;

export const HOST_OPTION = { value: 'HOST', summary: 'address to listen on; 127.0.0.1 if not given' } as const;

export const METRICS_OPTION = {
  value: '[HOST:]PORT',
  summary: 'serve metrics for Prometheus there, at /metrics; PLAYBOOK_METRICS_ADDRESS if not given, else none',
} as const;

/** Bounds of a port; 0 takes any free one. */
export const PORTS = { min: 0, max: 65_535 } as const;

export const PROJECT_OPTION = {
  value: 'DIR',
  summary: 'folder of the project whose integrations are meant; this one if not given',
} as const;
