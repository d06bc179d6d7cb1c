// Statements that stand in no session's chain: the ledger keeps them beside the sessions'.
import type { Digest, Label } from '@provability-fabric/kernel';

/** What the ledger files statements under that concern every tenant. */
export const PLATFORM_TENANT = '-';

/** A writer's word on where all its sessions end: a dropped tail or session shows against it. */
export interface HeadStatement {
  readonly type: 'head';
  /** The log that this is about. */
  readonly writer: string;
  /** How many sessions it has. */
  readonly count: number;
  /** `headsRoot` over them. */
  readonly root: Digest;
  /** How many entries the log has. */
  readonly log_size: number;
  /** RFC 3339 UTC with milliseconds. */
  readonly at: string;
}

/** Who read which documents, and what allowed it. Digests only: neither the query nor a document. */
export interface AccessReceipt {
  readonly type: 'access-receipt';
  readonly receipt_id: string;
  readonly tenant: string;
  readonly subject_id: string;
  readonly query_hash: Digest;
  readonly index_shard: string;
  readonly timestamp: string;
  readonly result_hash: Digest;
  readonly result_count: number;
  readonly query_time_ms: number;
  readonly labels_accessed: readonly Label[];
  readonly abac_decision: {
    readonly allowed: boolean;
    readonly policy_version: string;
    readonly rules_applied: readonly string[];
  };
  readonly witness: string | null;
  readonly sign_alg: 'Ed25519';
}

/** What left through the egress firewall, and what was found in it: kinds and places, never the values. */
export interface EgressCertificate {
  readonly type: 'egress-certificate';
  readonly certificate_id: string;
  readonly session: string;
  readonly tenant: string;
  readonly policy_hash: Digest;
  readonly text_hash: Digest;
  /** How many findings of each kind. */
  readonly detectors: { readonly pii: number; readonly secret: number; readonly near_dupe: number };
  readonly findings: readonly {
    readonly kind: string;
    /** Half-open, in UTF-8 bytes of the text. */
    readonly span: { readonly start: number; readonly end: number };
  }[];
  readonly action_taken: 'ALLOW' | 'REDACT' | 'BLOCK';
  /** In millionths, 0 to 1,000,000. */
  readonly risk_score: number;
  readonly influencing_labels: readonly Label[];
  readonly non_interference: 'passed' | 'failed';
  readonly issued_at: string;
}

/** That a capability token was issued, and what it says; never the token. */
export interface CapabilityTokenRecord {
  readonly type: 'capability-token';
  /** The token's `jti`. */
  readonly token_id: string;
  readonly tenant: string;
  readonly subject: string;
  /** The session that the token is bound to; null: any. */
  readonly sid: string | null;
  readonly audience: string;
  readonly roles: readonly string[];
  readonly capabilities: readonly string[];
  readonly epoch: number;
  readonly issued_at: string;
  readonly expires_at: string;
}

/** That a token or a principal is trusted no more; it does not expire. */
export interface Revocation {
  readonly type: 'revocation';
  /** PLATFORM_TENANT: of every tenant. */
  readonly tenant: string;
  readonly kind: 'token' | 'principal';
  readonly id: string;
  readonly reason: string;
  /** Who revoked it. */
  readonly by: string;
  readonly issued_at: string;
}

export type LedgerStatement =
  | HeadStatement
  | AccessReceipt
  | EgressCertificate
  | CapabilityTokenRecord
  | Revocation;
