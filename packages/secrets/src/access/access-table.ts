import type { SecretOperation } from './operations.ts';

export const SECRET_ROLES = [
  'secrets-admin',
  'secrets-editor',
  'secrets-operator',
  'secrets-viewer',
  'auditor',
  'secrets-sidecar',
] as const;

export type SecretRole = (typeof SECRET_ROLES)[number];

/** The only role that reaches beyond the tenant of its token; there it may do what a `secrets-admin` may. */
export const PLATFORM_ROLE = 'platform-secrets-admin';

const READERS: readonly SecretRole[] = [
  'secrets-admin',
  'secrets-editor',
  'secrets-operator',
  'secrets-viewer',
];
const WRITERS: readonly SecretRole[] = ['secrets-admin', 'secrets-editor', 'secrets-operator'];
const EDITORS: readonly SecretRole[] = ['secrets-admin', 'secrets-editor'];
const ADMINS: readonly SecretRole[] = ['secrets-admin'];

/** Who may do what in the tenant of its token. What is not here may not be done. */
export const ACCESS: Readonly<Record<SecretOperation, readonly SecretRole[]>> = {
  read: READERS,
  mount: READERS,
  compare: READERS,
  list: [...READERS, 'auditor'],
  describe: [...READERS, 'auditor'],
  audit: [...EDITORS, 'auditor'],
  write: WRITERS,
  metadata: EDITORS,
  rollback: EDITORS,
  rotate: EDITORS,
  schedule: EDITORS,
  undelete: EDITORS,
  delete: ADMINS,
  destroy: ADMINS,
  remove: ADMINS,
  use: [...EDITORS, 'secrets-sidecar'],
  fingerprint: [...EDITORS, 'secrets-sidecar'],
};
