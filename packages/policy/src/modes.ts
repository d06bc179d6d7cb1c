import type { Mode } from '@provability-fabric/statements';
import type { CompiledBundle } from './compiled-bundle.ts';
import type { Environment } from './input.ts';

const STRENGTH: Readonly<Record<Mode, number>> = { shadow: 0, monitor: 1, enforce: 2 };

export function weaker(a: Mode, b: Mode): Mode {
  return STRENGTH[a] <= STRENGTH[b] ? a : b;
}

export function stronger(a: Mode, b: Mode): Mode {
  return STRENGTH[a] >= STRENGTH[b] ? a : b;
}

/** The environment's word on clauses. `disabled` weakens all to shadow; high assurance lets nothing weaken them. */
export function environmentMode(environment: Environment, assurance: 'standard' | 'high'): Mode {
  if (assurance === 'high') return 'enforce';
  return environment.enforcement_mode === 'disabled' ? 'shadow' : environment.enforcement_mode;
}

/** Of what nothing permits. */
export function defaultDenyMode(
  { assurance, default_mode: own }: Pick<CompiledBundle, 'assurance' | 'default_mode'>,
  environment: Environment,
): Mode {
  if (assurance === 'high') return 'enforce';
  return weaker(weaker(own, environment.default_mode ?? 'enforce'), environmentMode(environment, assurance));
}
