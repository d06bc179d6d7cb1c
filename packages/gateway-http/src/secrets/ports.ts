import type { JsonValue } from '@provability-fabric/kernel';
import type { Caller, OpenSecrets, Rotations, SecretAccess, Secrets } from '@provability-fabric/secrets';
import type { Page, Scope } from '../ledger/ports.ts';

/** The use cases that these routes call; each checks role, tenant and rate itself, and puts the access on record. */
export type SecretUseCases = Omit<Secrets, 'mount' | 'liveValues' | 'onChange' | 'close'> &
  Pick<OpenSecrets, 'eraseTenant'>;

/** Rotation; each checks as the others do. */
export type RotationUseCases = Pick<
  Rotations,
  | 'rotateNow'
  | 'rotationOf'
  | 'schedule'
  | 'scheduleOf'
  | 'unschedule'
  | 'addDependant'
  | 'removeDependant'
  | 'dependants'
  | 'publicKeys'
>;

export interface SecretAccessQuery {
  readonly secret?: string;
  /** ms since 1970; from `since` on, before `until`. */
  readonly since?: number;
  readonly until?: number;
}

/** A row that somebody added by hand may hold anything in its details, and no statement of the ledger vouches for it. */
export interface SecretAccessRow extends Omit<SecretAccess, 'details'> {
  readonly details: Readonly<Record<string, unknown>>;
  readonly statementDigest: string | null;
}

/** Who did what, newest first. Whoever calls was admitted for the scope before. */
export interface SecretAccessReader {
  list(
    scope: Scope,
    query: SecretAccessQuery,
    paging: { readonly limit: number; readonly cursor?: string },
  ): Promise<Page<SecretAccessRow>>;
}

/**
 * What a sidecar needs to recognise the live values of a tenant without having them. `known` is the etag of what the
 * caller has; fingerprints are null where that is still right. Checks the caller's role and tenant.
 */
export interface SecretFingerprints {
  of(
    caller: Caller,
    tenant: string,
    known: string | null,
  ): Promise<{ readonly etag: string; readonly fingerprints: JsonValue | null }>;
}
