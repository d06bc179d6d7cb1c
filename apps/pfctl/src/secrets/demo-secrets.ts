import { randomBytes } from 'node:crypto';
import type { WantedSecret } from './import-secrets.ts';

/** What the runbook's commands ask for. */
export function demoSecrets(): readonly WantedSecret[] {
  return ['test', 'test_secret'].map((name) => ({
    name,
    value: { value: randomBytes(24).toString('base64url') },
  }));
}
