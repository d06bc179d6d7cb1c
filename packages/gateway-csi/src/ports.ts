import type { SecretName, SecretTenant, StoredSecret, VersionReference } from '@provability-fabric/secrets';

/** A pod that has proven who it is, and the tenant that the operator's rules gave it. */
export interface MountReader {
  readonly tenant: SecretTenant;
  /** `system:serviceaccount:<namespace>:<name>`, as Kubernetes itself calls it. */
  readonly principal: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly pod: string;
}

/** Where a pod's secrets come from. Each call is an access of its own, on record before it resolves. */
export interface MountSecrets {
  /** Throws SecretError. */
  read(reader: MountReader, name: SecretName, version: VersionReference): Promise<StoredSecret>;
  /** Puts on record that this pod was refused that secret; resolves once the record is durable. */
  refuse(reader: MountReader, name: SecretName): Promise<void>;
}

/** What an operator's log gets. Names and codes only. */
export type CsiEvent =
  | { readonly event: 'csi.listening'; readonly socket: string }
  | {
      readonly event: 'csi.mounted';
      readonly tenant: string;
      readonly principal: string;
      readonly pod: string;
      readonly files: number;
      readonly latencyMs: number;
    }
  | {
      readonly event: 'csi.refused';
      readonly code: string;
      /** Absent where the pod has not proven who it is. */
      readonly principal?: string;
      /** The object that it failed on. */
      readonly object?: string;
      readonly latencyMs: number;
    }
  /** A fault of ours or of what we lean on. */
  | { readonly event: 'csi.failed'; readonly error: unknown }
  | { readonly event: 'csi.closed' };
