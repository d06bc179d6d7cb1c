import type { Settings } from '@provability-fabric/configuration';

/** What the parts of a process need of `config/<env>/`. */
export type FabricSettings = Pick<
  Settings,
  'origin' | 'epoch' | 'sessionIdleMs' | 'evidenceMaxLagMs' | 'sessionLeaseMs' | 'advertise'
>;
