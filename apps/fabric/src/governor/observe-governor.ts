import type { GovernorMetrics } from '@provability-fabric/gateway-http';
import type { ChangeEvent, GovernorObserver } from '@provability-fabric/governor';
import type { Logger } from 'pino';

const LOUD: ReadonlySet<ChangeEvent['kind']> = new Set(['change-failed', 'rollback-failed', 'killed']);
const BLOCKED: ReadonlySet<ChangeEvent['kind']> = new Set(['change-refused', 'rollback-refused']);

/** Hashes, codes and counts for the log; rules and results for the metrics; nothing of a file for either. */
export function observeGovernor(log: Logger, metrics: GovernorMetrics | undefined): GovernorObserver {
  return {
    planned: (verdict, rules) => metrics?.planned(verdict, rules),
    verified: (result) => metrics?.verified(result),
    applied: (result) => metrics?.applied(result),
    rolledBack: (result) => metrics?.rolledBack(result),
    sandboxed: (result) => metrics?.sandboxed(result),
    recorded(event) {
      metrics?.recorded();
      const { kind, id, actor, principal, manifest, reverts, errorCode, policy, files, commit } = event;
      const tags = BLOCKED.has(kind) ? ['BLOCKED_ACTION', 'REJECT'] : LOUD.has(kind) ? ['ERROR'] : [];
      log[LOUD.has(kind) || BLOCKED.has(kind) ? 'warn' : 'info'](
        {
          event: 'governed_change',
          tags,
          kind,
          change_id: id,
          actor,
          principal,
          ...(manifest === null ? {} : { manifest }),
          ...(reverts === null ? {} : { reverts }),
          ...(errorCode === null ? {} : { error_code: errorCode }),
          ...(policy === null ? {} : { policy_version: policy.version }),
          ...(files.length === 0 ? {} : { files: files.length }),
          ...(commit === null ? {} : { commit }),
        },
        kind,
      );
    },
  };
}
