// the relay

// errors
export { UpstreamError } from './errors.ts';
// what it needs
export type { ActionOutcome, ActionRequest, Decider, Decision, RelayEvents } from './ports.ts';
export type { RelayCode } from './refusal.ts';
// how it refuses
export { REFUSAL_META, REFUSED } from './refusal.ts';
export type { Relay, RelayEnd, RelayEndReason, RelayLimits, RelayOptions } from './relay.ts';
export { DEFAULT_LIMITS, startRelay } from './relay.ts';
// the server behind it
export type { SpawnOptions, Upstream, UpstreamExit } from './upstream.ts';
export { spawnUpstream } from './upstream.ts';
