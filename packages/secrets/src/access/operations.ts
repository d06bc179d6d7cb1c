/** What may be asked for about secrets; finer than what is put on record (SecretAction). */
export type SecretOperation =
  | 'read'
  | 'mount'
  | 'use'
  | 'fingerprint'
  | 'list'
  | 'describe'
  | 'compare'
  | 'audit'
  | 'write'
  | 'metadata'
  | 'rollback'
  | 'rotate'
  | 'schedule'
  | 'delete'
  | 'undelete'
  | 'destroy'
  | 'remove';
