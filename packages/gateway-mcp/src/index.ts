// errors
export { UpstreamError } from './errors.ts';
// the governor as a server
export { createGovernorMcp } from './governor/governor-mcp.ts';
export {
  type GovernorMcpRoute,
  type GovernorMcpRouteOptions,
  governorMcpRoute,
} from './governor/governor-mcp-route.ts';
export type { ChangeDesk, DeskClient, DeskOperation, GovernorMcpOptions } from './governor/ports.ts';
export { type StdioStreams, serveGovernorOverStdio } from './governor/serve-stdio.ts';
// streamable HTTP
export { createMcpEndpoint } from './http/endpoint.ts';
export type { McpEndpoint, McpEndpointOptions, McpExchange } from './http/exchange.ts';
export type { EndpointCode } from './http/http-answer.ts';
export type { McpLimits } from './http/limits.ts';
export { DEFAULT_MCP_LIMITS } from './http/limits.ts';
// servers over streamable HTTP
export type { ConnectOptions } from './http-upstream/connect.ts';
export { connectUpstream } from './http-upstream/connect.ts';
export type {
  TokenExchange,
  UpstreamAuthorization,
  UpstreamDefinition,
} from './http-upstream/definition.ts';
export { ALL } from './http-upstream/definition.ts';
// the tool that the fabric itself answers
export { OWN_TOOL } from './own-tool.ts';
// what it needs
export type { ActionOutcome, ActionRequest, Decider, Decision, Hiding, RelayEvents, Shown } from './ports.ts';
export type { RelayCode } from './refusal.ts';
// how it refuses
export { REFUSAL_META, REFUSED } from './refusal.ts';
// the relay
export type { Relay, RelayEnd, RelayEndReason, RelayLimits, RelayOptions } from './relay.ts';
export { DEFAULT_LIMITS, startRelay } from './relay.ts';
// servers over stdio
export type { SpawnOptions, Upstream, UpstreamExit } from './upstream.ts';
export { spawnUpstream } from './upstream.ts';
