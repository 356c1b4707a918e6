/** A reference to a secret: `env:NAME`, `file:/path` or `vault:path#field`. Never the value itself. */
export type SecretRef = `env:${string}` | `file:${string}` | `vault:${string}`;

export type AuthConfig =
  | { readonly type: 'none' }
  | {
      readonly type: 'oauth_client_credentials';
      readonly token_url: string;
      readonly scopes: readonly string[];
      /** A reference or the id itself, which is no secret. */
      readonly client_id: string;
      readonly client_secret?: SecretRef;
      /** How the client proves itself. @default 'client_secret_basic' */
      readonly client_auth?: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';
      /** PKCS#8 PEM, for `private_key_jwt`. */
      readonly private_key?: SecretRef;
      readonly key_id?: string;
      /** What the token is for, where the token endpoint wants to be told. */
      readonly audience?: string;
      /** `aud` of the assertion of `private_key_jwt`: some servers want their issuer here. @default token_url */
      readonly assertion_audience?: string;
    }
  | {
      readonly type: 'jwt_bearer';
      readonly token_url: string;
      readonly scopes: readonly string[];
      readonly issuer: string;
      /** @default issuer */
      readonly subject?: string;
      /** `aud` of the assertion. @default token_url */
      readonly audience?: string;
      readonly private_key: SecretRef;
      readonly key_id?: string;
    }
  | { readonly type: 'api_key'; readonly header: string; readonly key: SecretRef; readonly prefix?: string }
  | { readonly type: 'bearer'; readonly token: SecretRef }
  | {
      readonly type: 'basic';
      /** A reference or the name itself. */
      readonly username: string;
      readonly password: SecretRef;
    }
  | { readonly type: 'hmac'; readonly key_id: string; readonly secret: SecretRef; readonly header?: string };

/** The parsed, frozen configuration of one service in one environment. Keys are those of `config.yaml`. */
export interface ServiceConfig {
  readonly environment: string;
  readonly service: {
    readonly base_url: string;
    readonly version: string;
    readonly timeouts: { readonly connect_ms: number; readonly read_ms: number; readonly total_ms: number };
    readonly retry: { readonly max_attempts: number; readonly backoff_ms: readonly number[] };
    readonly rate_limit: {
      readonly qps_cap: number;
      readonly window: 'sliding' | 'fixed';
      readonly window_ms: number;
      readonly burst?: number;
      readonly concurrency?: number;
    };
  };
  readonly auth: AuthConfig;
  readonly webhook?: {
    /** The receiver's base URL as the service reaches it. */
    readonly public_url: string;
    /** Several while rotating. */
    readonly secrets: readonly SecretRef[];
    readonly tolerance_s: number;
    /** Signs the per-job token in callback URLs. */
    readonly token_secret: SecretRef;
  };
  readonly polling: {
    /** Milliseconds to give the webhook first; 0 without webhooks. */
    readonly grace_ms: number;
    readonly initial_ms: number;
    readonly factor: number;
    readonly max_ms: number;
  };
  readonly deadline_ms: number;
  readonly cost: { readonly per_job_usd?: number; readonly tags: Readonly<Record<string, string>> };
  /** Another configuration file of this service, relative to this one: where jobs go that are not admitted. */
  readonly fallback?: string;
  /** Where people are told of a rollout's steps, signed as Standard Webhooks. */
  readonly notifications?: { readonly url: string; readonly secret: SecretRef };
  readonly observability: {
    readonly structured_logs: boolean;
    readonly trace_spans: boolean;
    readonly cost_tracking: boolean;
  };
}
