/** Search attributes of a job, in the shape of Temporal's `SearchAttributeKey`. Registered by `playbook setup`. */
export const SEARCH_ATTRIBUTES = {
  service: { name: 'PlaybookService', type: 'KEYWORD' },
  state: { name: 'PlaybookState', type: 'KEYWORD' },
  externalId: { name: 'PlaybookExternalId', type: 'KEYWORD' },
  route: { name: 'PlaybookRoute', type: 'KEYWORD' },
  stage: { name: 'PlaybookStage', type: 'KEYWORD' },
  unit: { name: 'PlaybookUnit', type: 'KEYWORD' },
  errorCode: { name: 'PlaybookErrorCode', type: 'KEYWORD' },
  latencyMs: { name: 'PlaybookLatencyMs', type: 'INT' },
  costMicros: { name: 'PlaybookCostMicros', type: 'INT' },
} as const;
