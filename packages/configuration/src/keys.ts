import { FABRIC_KEYS } from './fabric-keys.ts';
import type { KeyDescription } from './key.ts';
import { LIVE_KEYS } from './live-keys.ts';
import { UPSTREAM_KEYS } from './upstream-keys.ts';

/** Every key that there is, in the order of the reference page. */
export const KEYS: readonly KeyDescription[] = [
  ...Object.values(FABRIC_KEYS),
  ...Object.values(LIVE_KEYS),
  ...Object.values(UPSTREAM_KEYS),
];
