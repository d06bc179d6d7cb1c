import type { JsonObject } from '@provability-fabric/kernel';
import type { Client } from '../client.ts';

/** What a guard needs of a client. */
export type Decider = Pick<Client, 'authorize' | 'outcome'>;

export interface GuardOptions {
  /**
   * What a caller gets in the place of a refused result: `return` a Refusal, for the model to read, or
   * `throw`.
   */
  readonly refusals?: 'return' | 'throw';
  /** To decide in, where the client's token is a host's without `sid`. */
  readonly session?: string;
  /** For policies to look at, as `context.attributes`. */
  readonly attributes?: JsonObject;
  /** For the tool to finish; afterwards its outcome is ambiguous. Default: 60 s. */
  readonly timeoutMs?: number;
  /** Of a result as JSON. Default: 1 MiB. */
  readonly maxResultBytes?: number;
  /** Parts of a result that streams. Default: 10,000. */
  readonly maxParts?: number;
  /**
   * Whether what the tool threw leaves open if it acted. Default: an abort, a time-out or a broken connection
   * does, anything else says that it did not.
   */
  readonly unclear?: (error: unknown) => boolean;
}

/** What a tool may look at while it runs. */
export interface ToolContext {
  /** Ends with the caller's signal, or when the tool's time is over. */
  readonly signal: AbortSignal;
}
