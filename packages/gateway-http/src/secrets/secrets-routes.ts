import { DEFAULT_LIMITS, type Limits } from '../limits.ts';
import type { Log } from '../ports.ts';
import type { Route } from '../route.ts';
import { adminRoutes } from './admin-routes.ts';
import { apiRoutes } from './api-routes.ts';
import { auditRoutes } from './audit-routes.ts';
import { dependantRoutes } from './dependant-routes.ts';
import { FirstAnswers } from './first-answers.ts';
import { internalRoutes } from './internal-routes.ts';
import type { KvSettings } from './kv/kv-path.ts';
import { kvRoutes } from './kv/kv-routes.ts';
import type { RotationUseCases, SecretAccessReader, SecretFingerprints, SecretUseCases } from './ports.ts';
import { publicKeyRoutes } from './public-key-routes.ts';
import { rotationRoutes } from './rotation-routes.ts';

export interface SecretsOptions {
  readonly secrets: SecretUseCases;
  readonly rotations: RotationUseCases;
  readonly audit: SecretAccessReader;
  readonly fingerprints: SecretFingerprints;
  readonly kv: KvSettings;
  /** ms since 1970. */
  now(): number;
  /** Of the fabric; shown to Vault's clients. */
  readonly version: string;
  readonly log: Log;
}

/**
 * Of the listener for secrets. Rates by client address are high here, since many services come from one address through
 * a proxy: how often a tenant or a principal may ask is counted by the use cases.
 */
export const SECRETS_LIMITS: Limits = {
  ...DEFAULT_LIMITS,
  bodyBytes: 256 * 1024,
  // Requests for secrets are short, and half of these are one tenant's: room for the runbook's hundred connections several times.
  maxInFlight: 1024,
  maxInFlightBytes: 32 * 1024 * 1024,
  tenantShare: 0.5,
  requestsPerSecond: 50_000,
  burst: 100_000,
};

/** What the secrets component answers (CONTRACTS §7). Values are in answers of reading and using alone. */
export function secretsRoutes(options: SecretsOptions): readonly Route[] {
  const { secrets, rotations, audit, fingerprints, log, kv, now, version } = options;
  const answers = new FirstAnswers();
  return [
    ...apiRoutes({ secrets, answers }),
    ...adminRoutes(secrets),
    ...rotationRoutes({ secrets, rotations, answers, log }),
    ...dependantRoutes(rotations),
    ...publicKeyRoutes(rotations),
    ...auditRoutes({ secrets, audit }),
    ...internalRoutes({ secrets, fingerprints }),
    ...kvRoutes({ secrets, ...kv, now: () => now(), version }),
  ];
}
