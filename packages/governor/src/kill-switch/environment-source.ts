import type { KillSource } from './kill-switch.ts';

const ENABLING = new Set(['on', 'true', '1', 'yes']);

/**
 * SAFEAI_ENABLE, read once, as a process's environment is: `on`, `true`, `1` and `yes` let the governor act, and so does its
 * absence. Anything else stops it, a misspelt word too.
 */
export function environmentSource(value: string | undefined): KillSource {
  const enabled = value === undefined || ENABLING.has(value.trim().toLowerCase());
  return {
    name: 'environment',
    async watch(told) {
      told(enabled ? null : { reason: 'SAFEAI_ENABLE is not `on`', by: 'environment', at: 0 });
      return { close: async () => undefined };
    },
  };
}
