import type { SecretOperation } from '../access/operations.ts';
import type { SecretPlace } from '../names.ts';
import type {
  NamePage,
  SecretDescription,
  SecretMetadata,
  StoredSecret,
  VersionInfo,
  VersionReference,
} from '../provider.ts';
import type { SecretValue } from '../value.ts';

/** Who asks, as a token proves it; nothing of it comes from the request's path or body. */
export interface Caller {
  /** The token's tenant; null where it has none: then only a platform role may act, and it names the tenant. */
  readonly tenant: string | null;
  readonly principal: string;
  readonly roles: readonly string[];
  /** For the record: client address, request id, token id. At most 8; never a value of a secret. */
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

/** As the request has it; checked here. For everyone but a platform role the tenant has to be the caller's. */
export interface SecretTarget {
  readonly tenant: string;
  readonly name: string;
}

export interface WriteRequest {
  readonly value: unknown;
  readonly cas?: number;
  readonly description?: string;
  readonly metadata?: Partial<SecretMetadata>;
}

export interface ListQuery {
  readonly prefix?: string;
  /** 1 to 1,000; 100 unless told. */
  readonly limit?: number;
  readonly cursor?: string;
}

/** No character of either value. */
export interface FieldChange {
  readonly field: string;
  readonly change: 'added' | 'removed' | 'modified';
}

export interface Comparison {
  readonly from: VersionInfo;
  readonly to: VersionInfo;
  /** Ascending by field; fields that are the same are left out. */
  readonly changes: readonly FieldChange[];
}

/** One use of one field, in a tool call that the caller (a sidecar) lets through. */
export interface UseRequest {
  readonly field: string | null;
  readonly tool: string;
  /** For whom the tool is called. */
  readonly principal: string;
  readonly session: string;
  readonly certificateId: string;
}

export interface UsedValue {
  readonly value: string;
  readonly version: number;
}

/** A value that is valid somewhere now: current, staged by a rotation, or replaced so lately that it may still be. */
export interface LiveValue {
  readonly name: string;
  /** 0: staged. */
  readonly version: number;
  readonly fields: SecretValue;
}

export interface SecretsHealth {
  readonly sealed: boolean;
  /** What is wrong with the provider, for an operator; the bus tells of itself. Empty when all is well. */
  readonly problems: readonly string[];
}

/** For metrics. */
export interface AccessEvent {
  readonly tenant: string;
  readonly provider: string;
  readonly operation: SecretOperation;
  readonly result: 'SUCCESS' | 'FAILURE' | 'DENIED';
  /** A SecretErrorCode; null on success. */
  readonly errorType: string | null;
  readonly cached: boolean;
  readonly seconds: number;
}

/**
 * The use cases. Each checks the role, the tenant and the rate, puts what changes something on record before it is done,
 * does it, and puts what came of it on record before it answers: no audit, no secret. Errors are SecretError; none
 * holds a value. SECRET_NOT_FOUND is also the answer for a secret that is in another tenant only.
 */
export interface Secrets {
  read(caller: Caller, target: SecretTarget, version?: VersionReference): Promise<StoredSecret>;
  /** As `read`, recorded as MOUNT. */
  mount(caller: Caller, target: SecretTarget, version?: VersionReference): Promise<StoredSecret>;
  write(caller: Caller, target: SecretTarget, request: WriteRequest): Promise<VersionInfo>;
  list(caller: Caller, tenant: string, query?: ListQuery): Promise<NamePage>;
  describe(caller: Caller, target: SecretTarget): Promise<SecretDescription>;
  compare(
    caller: Caller,
    target: SecretTarget,
    from: VersionReference,
    to: VersionReference,
  ): Promise<Comparison>;
  /** A new version that has the value of the target version. */
  rollback(caller: Caller, target: SecretTarget, targetVersion: VersionReference): Promise<VersionInfo>;
  /** Without versions: the current one. */
  deleteVersions(caller: Caller, target: SecretTarget, versions?: readonly number[]): Promise<void>;
  undelete(caller: Caller, target: SecretTarget, versions: readonly number[]): Promise<void>;
  destroy(caller: Caller, target: SecretTarget, versions: readonly number[]): Promise<void>;
  remove(caller: Caller, target: SecretTarget): Promise<void>;
  changeMetadata(
    caller: Caller,
    target: SecretTarget,
    change: Partial<SecretMetadata>,
  ): Promise<SecretMetadata>;
  /** The field's text; without a field the secret's only one, or the one called `value`. */
  use(caller: Caller, target: SecretTarget, request: UseRequest): Promise<UsedValue>;
  /** All live values of a tenant or of one secret, for fingerprints; one record for the whole walk. */
  liveValues(caller: Caller, tenant: string, name?: string): AsyncIterable<LiveValue>;
  /**
   * For use cases of others that keep their own records (rotation): role, tenant, name and rate; a denial is put on
   * record. An empty name asks about the tenant as a whole and is answered as it came.
   */
  admit(caller: Caller, operation: SecretOperation, target: SecretTarget): Promise<SecretPlace>;
  /** As `admit`, for those that keep none (the audit list, schedules): their work is on record as any other is. */
  perform<T>(
    caller: Caller,
    operation: SecretOperation,
    target: SecretTarget,
    work: (place: SecretPlace) => Promise<T>,
  ): Promise<T>;
  /**
   * Told of each change here and, as far as the bus tells, elsewhere; `null`: anything may have changed. Returns how to
   * stop.
   */
  onChange(handler: (changed: { readonly tenant: string; readonly name: string } | null) => void): () => void;
  health(): Promise<SecretsHealth>;
  close(): Promise<void>;
}
