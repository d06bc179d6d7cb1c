import type { JsonValue } from '@provability-fabric/kernel';
import type { Page, Revoked, Revoking, Scope } from '../ledger/ports.ts';

export interface BundleSummary {
  readonly name: string;
  readonly version: number;
  /** SHA-256 of the compiled bundle. */
  readonly digest: string;
  /** Whom it decides for. */
  readonly tenants: readonly string[];
}

export type Activation =
  | { readonly ok: true; readonly bundle: BundleSummary }
  | {
      readonly ok: false;
      readonly code: 'BUNDLE_INVALID' | 'BUNDLE_ROLLBACK' | 'BUNDLE_WRONG_NAME';
      /** For the operator who sent it: what is wrong, where, and how to mend it. */
      readonly problem: string;
    };

/** Bundles of this fabric. What does not activate changes nothing: the running bundle stays. */
export interface Bundles {
  list(): Promise<{ readonly active: BundleSummary; readonly archived: readonly BundleSummary[] }>;
  /** A compiled bundle, as JSON that anybody may have written. Resolves once it is in force and archived. */
  activate(bundle: JsonValue): Promise<Activation>;
}

export interface RevocationRow {
  readonly kind: 'token' | 'principal';
  readonly id: string;
  readonly tenant: string;
  readonly reason: string;
  readonly by: string;
  /** ms since the epoch. */
  readonly at: number;
}

/** What is in force for a tenant beside its policy. Changes are durable before they resolve, and only go one way. */
export interface Authority {
  epoch(tenant: string): number;
  /** Resolves with the epoch in force then; rejects with EPOCH_NOT_RAISED where it would not rise. */
  raiseEpoch(tenant: string, epoch: number, by: string): Promise<number>;
  revoke(scope: Scope, revoking: Revoking): Promise<Revoked>;
  revocations(
    scope: Scope,
    page: { readonly limit: number; readonly cursor?: string },
  ): Promise<Page<RevocationRow>>;
}
