import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { GovernorSettings } from './governor-settings.ts';

/** Where a container has its policy mounted; elsewhere it is in the working directory. */
const MOUNTED = '/app/config/policy.yaml';
const HERE = 'config/policy.yaml';

export function policyFileOf({ policyFile }: Pick<GovernorSettings, 'policyFile'>): string {
  if (policyFile !== null) return resolve(policyFile);
  return existsSync(MOUNTED) ? MOUNTED : resolve(HERE);
}
