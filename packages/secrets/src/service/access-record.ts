import type { SecretOperation } from '../access/operations.ts';
import type { SecretAccess, SecretAction } from '../audit.ts';
import type { Caller } from './secrets.ts';

/** What goes on record for each operation. */
const ACTIONS: Readonly<Record<SecretOperation, SecretAction>> = {
  read: 'READ',
  mount: 'MOUNT',
  use: 'USE',
  fingerprint: 'FINGERPRINT',
  list: 'LIST',
  describe: 'DESCRIBE',
  compare: 'DESCRIBE',
  audit: 'LIST',
  write: 'WRITE',
  metadata: 'WRITE',
  rollback: 'ROLLBACK',
  rotate: 'ROTATE',
  schedule: 'ROTATE',
  delete: 'DELETE',
  undelete: 'UNDELETE',
  destroy: 'DESTROY',
  remove: 'REMOVE',
};

/** Those that leave something changed: they are on record before they begin. */
export const CHANGES: ReadonlySet<SecretOperation> = new Set<SecretOperation>([
  'write',
  'metadata',
  'rollback',
  'schedule',
  'delete',
  'undelete',
  'destroy',
  'remove',
]);

type Detail = string | number | boolean;
const MAX_DETAILS = 16;
const MAX_DETAIL_LENGTH = 256;

/** What stays the same between an access' records. */
export function accessOf(
  caller: Caller,
  operation: SecretOperation,
  about: { readonly id: string; readonly tenant: string; readonly secret: string },
): Pick<SecretAccess, 'id' | 'tenant' | 'principal' | 'action' | 'secret'> {
  return {
    ...about,
    principal: caller.principal === '' ? '-' : caller.principal,
    action: ACTIONS[operation],
  };
}

/** Ours first: what a caller sends along cannot push them out, or stand in their place. */
export function detailsOf(
  ours: Readonly<Record<string, Detail>>,
  caller: Readonly<Record<string, Detail>>,
): Readonly<Record<string, Detail>> {
  const entries = [
    ...Object.entries(ours),
    ...Object.entries(caller).filter(([key]) => !Object.hasOwn(ours, key)),
  ];
  return Object.fromEntries(
    entries
      .slice(0, MAX_DETAILS)
      .map(([key, value]) => [
        key.slice(0, 64),
        typeof value === 'string' ? value.slice(0, MAX_DETAIL_LENGTH) : value,
      ]),
  );
}
