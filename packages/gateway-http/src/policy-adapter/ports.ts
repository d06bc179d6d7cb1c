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
      readonly code: 'BUNDLE_INVALID' | 'BUNDLE_ROLLBACK' | 'BUNDLE_WRONG_NAME' | 'FORBIDDEN';
      /** For the operator who sent it: what is wrong, where, and how to mend it. */
      readonly problem: string;
    };

/** Bundles of this fabric, or of all fabrics on one database. What does not activate changes nothing. */
export interface Bundles {
  /**
   * What the scope may know of: bundles that decide for its tenant, and of whom they decide for that tenant alone.
   * `active` is the one in force of this name, or of the only name there is; null where there is none.
   */
  list(scope: Scope, name?: string): Promise<BundleList>;
  /**
   * A compiled bundle, as JSON that anybody may have written. FORBIDDEN where it, or the one that it would replace,
   * decides for others than the scope. Resolves once it cannot be lost: it is in force in the process that was asked,
   * if that decides, and within a second in the others on its database. Where it rejects, the bundle may have been
   * kept all the same; the same bundle again tells.
   */
  activate(scope: Scope, bundle: JsonValue, by: string): Promise<Activation>;
}

export interface BundleList {
  readonly active: BundleSummary | null;
  /** The others. */
  readonly archived: readonly BundleSummary[];
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
