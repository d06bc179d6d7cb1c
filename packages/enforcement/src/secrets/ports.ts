import type { JsonValue } from '@provability-fabric/kernel';

/** One use of a secret, for the record that is made of it before its value leaves the store. */
export interface SecretUseRequest {
  readonly tenant: string;
  readonly name: string;
  /** null: the one field that the secret has. */
  readonly field: string | null;
  readonly tool: string;
  /** Whose agent. */
  readonly principal: string;
  readonly session: string;
  /** Of the decision that allowed it, which is durable by then. */
  readonly certificateId: string;
}

/**
 * Where secrets are had from, and by which their values are known again. `resolve` answers only once the use is durably on
 * record. Either rejects where it cannot be done: then nothing that needs it goes on. No error holds a value.
 */
export interface SecretBroker {
  resolve(request: SecretUseRequest): Promise<string>;
  /** Pieces of values that the tenant's secrets have, or had until a moment ago, however they are written. */
  exposedIn(
    tenant: string,
    value: JsonValue,
  ): Promise<readonly { readonly name: string; readonly pointer: string }[]>;
}
