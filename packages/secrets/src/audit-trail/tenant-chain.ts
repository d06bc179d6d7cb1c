import { RecordChain, type RecordChainOptions, SECRETS_SESSION_PREFIX } from '@provability-fabric/statements';
import type { SecretAccess } from '../audit.ts';
import { SecretError } from '../errors.ts';
import type { AuditRows } from './ports.ts';
import { type AccessWriting, writeAccess } from './write-access.ts';

export interface TenantChainOptions
  extends AccessWriting,
    Pick<RecordChainOptions<SecretAccess>, 'journal' | 'tenant'> {
  readonly rows: AuditRows;
  readonly logId: string;
  readonly sessionLength: number;
  /** Nothing waits any more. */
  idle(): void;
  /** Told of each group, and what was wrong with it. */
  settled(part: 'statement' | 'row', failure?: string): void;
}

/** The accesses of one tenant: each group is committed as statements, and then put into the table. */
export function openTenantChain(options: TenantChainOptions): RecordChain<SecretAccess> {
  const { journal, rows, tenant, logId, sessionLength, idle, settled } = options;
  return new RecordChain<SecretAccess>({
    journal,
    prefix: SECRETS_SESSION_PREFIX,
    log: logId,
    tenant,
    length: sessionLength,
    idle,
    write: (place, access) => writeAccess(options, place, access),
    committed: () => settled('statement'),
    failed(cause) {
      settled(
        'statement',
        'accesses to secrets cannot be made durable in the journal, so secrets are refused',
      );
      const message = 'the access could not be made durable in the journal; nothing was done, try again';
      return new SecretError('AUDIT_UNAVAILABLE', message, { cause });
    },
    async settle(group) {
      try {
        await rows.append(group.map(({ fact, entry }) => ({ ...fact, statementDigest: entry.digest })));
        settled('row');
      } catch (cause) {
        settled('row', 'accesses to secrets cannot be put into secret_audit_logs, so secrets are refused');
        const message = 'the access is in the journal and could not be put into secret_audit_logs; try again';
        throw new SecretError('AUDIT_UNAVAILABLE', message, { cause });
      }
    },
  });
}
