// Asking the fabric
export {
  type Action,
  type AuthorizeRequest,
  type Client,
  type ClientOptions,
  createClient,
  type Decision,
  type Evaluation,
  type EvaluationRequest,
  type EvaluationsRequest,
  type OutcomeReport,
  type PromptRequest,
  type ServiceHealth,
} from './client.ts';
// Errors
export { ClientError, type ClientErrorCode, GuardError, type ProblemCode, type Refusal } from './errors.ts';
// Asking the governor
export {
  type AuditVerdict,
  createGovernorClient,
  type GovernorClient,
  type GovernorClientOptions,
} from './governor/governor-client.ts';
export { GovernorRefused, type RefusedFacts, type RefusedTests } from './governor/governor-refused.ts';
export type { ListedProposal, ProposalQuery, ShownProposal } from './governor/proposals.ts';
// Guards: a plain function
export { type Given, type GuardedFunction, guard } from './guard/guard-function.ts';
// Guards: OpenAI's function calls, and its runTools
export {
  type ChatToolCall,
  type ChatToolMessage,
  type FunctionCallOutput,
  type FunctionHandler,
  type GuardedHandlers,
  guardHandlers,
} from './guard/guard-handlers.ts';
export type { Decider, GuardOptions, ToolContext } from './guard/guard-options.ts';
export {
  type GuardedRunnableTool,
  guardRunnableTools,
  type RunnableTool,
} from './guard/guard-runnable-tools.ts';
// Guards: tools of the Vercel AI SDK
export { type ExecutableTool, guardTool, guardToolSet } from './guard/guard-tool-set.ts';
export { isRefusal } from './guard/refusal.ts';
// Reading the ledger
export {
  createLedgerClient,
  type LedgerClient,
  type LedgerQuery,
  type ListedCertificate,
} from './ledger/ledger-client.ts';
// Reading secrets
export {
  createSecretsClient,
  type ReadSecret,
  type SecretReading,
  type SecretsClient,
  type SidecarQuestion,
} from './secrets/secrets-client.ts';
// How requests travel
export type { Fetch, FetchAnswer, TokenSource, TransportOptions } from './transport/options.ts';
