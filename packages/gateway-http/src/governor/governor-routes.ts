import { DEFAULT_LIMITS, type Limits } from '../limits.ts';
import type { Log } from '../ports.ts';
import type { Route } from '../route.ts';
import { auditRoutes } from './audit-routes.ts';
import { changeRoutes } from './change-routes.ts';
import { killRoutes } from './kill-routes.ts';
import type { GovernorUseCases } from './ports.ts';
import { proposalRoutes } from './proposal-routes.ts';

export interface GovernorOptions {
  readonly governor: GovernorUseCases;
  /** A token of another tenant opens nothing, whatever its role. */
  readonly tenant: string;
  readonly log: Log;
}

/** Of the listener for the governor. An apply waits for its tests, for the tree, and for those before it. */
export const GOVERNOR_LIMITS: Limits = {
  ...DEFAULT_LIMITS,
  // 512 KiB of text become six times as much as JSON escapes, and a third more in the envelope.
  bodyBytes: 8 * 1024 * 1024,
  handlerTimeoutMs: 600_000,
  // Below what a pod is given to end.
  shutdownMs: 45_000,
};

/** What the governor answers (CONTRACTS §7). */
export function governorRoutes(options: GovernorOptions): readonly Route[] {
  return [
    ...changeRoutes(options),
    ...auditRoutes(options),
    ...proposalRoutes(options),
    ...killRoutes(options),
  ];
}
