import type { JsonValue } from '@provability-fabric/kernel';

/** One thing the agent asks for over MCP, as the relay understood it. `value` is the parsed form of the very bytes to be sent on. */
export interface ActionRequest {
  /** Unique per request of this relay; a repeat would get the first answer. */
  readonly requestId: string;
  readonly action: 'call' | 'read';
  /** The tool's name, or the resource URI (`mcp-prompt:NAME` for prompts, `mcp-completion:REF` for completions). */
  readonly target: string;
  readonly value: JsonValue;
  /** What else of the message is sent on; nothing is decided about it but that it holds no secret. */
  readonly beside?: JsonValue;
}

export type Decision =
  | {
      readonly effect: 'allow';
      readonly certificateId: string;
      /** What is sent on in the place of `value`: handles and references to secrets in it stand for values. Absent: `value` itself. */
      readonly value?: JsonValue;
      /** The fabric's own answer; nothing is sent on, and the outcome is on record. */
      readonly answer?: { readonly outcome: 'done' | 'failed'; readonly result: JsonValue };
      /** The agent may not see all of the result: nothing else may tell of it either. */
      readonly hides?: true;
    }
  | {
      readonly effect: 'block' | 'hold';
      /** Absent where nothing could be recorded (evidence unavailable, not authenticated). */
      readonly certificateId?: string;
      readonly code: string;
      readonly clause?: string;
      readonly ticket?: string;
    };

export interface ActionOutcome {
  readonly outcome: 'done' | 'failed' | 'ambiguous';
  /** What the upstream returned (the JSON-RPC result or error object); absent when nothing came. */
  readonly result?: JsonValue;
}

/**
 * Who decides. `decide` resolves only after the decision is durable, `settle` only after the outcome is: the relay
 * sends nothing on before. Either rejects only when the evidence store is broken; the relay then refuses (fail closed).
 */
export interface Decider {
  decide(request: ActionRequest): Promise<Decision>;
  settle(certificateId: string, outcome: ActionOutcome): Promise<Shown>;
  /** Whether the principal may ever call this tool, whatever its arguments; hides the others from tools/list. */
  mayEverCall(tool: string): boolean;
  /** How results are hidden from the agent; undefined where it sees all of them. Asked each time. */
  hiding(): Hiding | undefined;
  /** Whether what is not decided holds a secret; where that cannot be told, it does. Absent: there are none. */
  holdsSecret?(value: JsonValue): Promise<boolean>;
}

/** What the agent may see of a result: all of it, or this in its place. */
export interface Shown {
  readonly instead?: JsonValue;
}

export interface Hiding {
  /** What the agent may ask the fabric to take out of hidden values; null where that is nothing. */
  readonly extraction: { readonly types: readonly string[]; readonly of: readonly string[] } | null;
}

/** Named happenings for the log; never a value, argument or result. */
export interface RelayEvents {
  emit(event: string, details: Readonly<Record<string, string | number>>): void;
}
