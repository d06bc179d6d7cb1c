export type CsiErrorCode =
  | 'MOUNT_MALFORMED'
  | 'MOUNT_UNAUTHENTICATED'
  | 'MOUNT_FORBIDDEN'
  | 'MOUNT_FIELD_UNKNOWN'
  | 'MOUNT_TOO_LARGE'
  | 'MOUNT_OVERLOADED'
  | 'MOUNT_TIMEOUT'
  | 'CLUSTER_KEYS_UNAVAILABLE'
  | 'CSI_FILE_INVALID'
  | 'CSI_RULES_INVALID'
  | 'CSI_SOCKET_IN_USE'
  | 'CSI_SOCKET_INVALID';

/**
 * The messages of MOUNT_* stand in a pod's events, where whoever may describe the pod reads them: no value,
 * no token.
 */
export class CsiError extends Error {
  readonly code: CsiErrorCode;

  constructor(code: CsiErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CsiError';
    this.code = code;
  }
}
