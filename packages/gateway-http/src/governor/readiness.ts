import type { KillState } from '@provability-fabric/governor';
import type { Health } from '../ports.ts';

/** What /readyz says of the governor. Anyone may ask, so it names no source. */
export function governorReadiness(state: () => KillState): NonNullable<Health['readiness']> {
  return () => {
    const { active, env_enabled, sentinel_exists, reason } = state();
    return { ready: !active, members: { kill_switch: { active, env_enabled, sentinel_exists, reason } } };
  };
}
