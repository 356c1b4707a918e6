export { classifiedPaths, classify, pci, phi, pii, secret } from './classification.ts';
export type { ClassifiedPath } from './classification.ts';
export { checkSecrets } from './check-secrets.ts';
export { checkConfig, checkEnvironments, checkFallback, secretRefs } from './config-rules.ts';
export type { RequestSigner, SignableRequest, SigningMaterial } from '../rules/request-signer.ts';
export type { AuthConfig, SecretRef, ServiceConfig } from './config-types.ts';
export { parseContract, UnknownFieldTally } from './contract.ts';
export type { ContractOptions } from './contract.ts';
export { defineIntegration } from './define-integration.ts';
export { fileRef } from './file-ref.ts';
export type {
  Endpoint,
  EndpointRequest,
  ErrorRule,
  IdempotencyPolicy,
  InputOf,
  Integration,
  IntegrationSpec,
  RemoteJob,
  ResultOf,
  SubmitContext,
  WebhookReading,
} from './integration.ts';
export { configDigest, loadConfig, parseConfig } from './parse-config.ts';
export type { ParseConfigOptions } from './parse-config.ts';
export { loadRolloutPlan, parseRolloutPlan } from './rollout-plan.ts';
export { createSecrets } from './secrets.ts';
export type { Secrets, SecretsOptions } from './secrets.ts';
export { parseInput } from './parse-input.ts';
export { listIntegrations, loadIntegration, loadSamples } from './registry.ts';
export type { IntegrationSamples, Sample } from './samples.ts';
export { schemaFiles } from './schema-files.ts';
export type { JsonSchema } from './schema-files.ts';
