// Logins that tenants hold themselves, for their own SQL: they see their tenant's rows and change nothing.
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { asTenantId, IdError } from '@provability-fabric/kernel';
import { LedgerError } from '../errors.ts';
import type { OwnedDatabase } from './database.ts';

/** PostgreSQL cuts longer names off without a word. */
const MAX_NAME_BYTES = 63;
const ITERATIONS = 4096;

/**
 * Makes the login, or gives it a new password, and answers its name. The server is sent a SCRAM verifier and
 * never the password, which it could otherwise log.
 */
export async function createTenantLogin(
  database: OwnedDatabase,
  tenant: string,
  password: string,
): Promise<string> {
  const login = loginOf(tenant);
  // Anything else would have to go through SASLprep (RFC 4013) first.
  if (!/^[\x21-\x7e]{16,128}$/.test(password)) {
    throw new LedgerError('BAD_QUERY', 'expected a password of 16 to 128 printable ASCII characters');
  }
  await database.asOwner(async (tx) => {
    const [role] = await tx.query('select from pg_roles where rolname = $1', [login]);
    const verb = role === undefined ? 'create role %I' : 'alter role %I';
    const [made] = await tx.query<{ text: string }>(
      `select format('${verb} login inherit connection limit 10 password %L', $1::text, $2::text) as text`,
      [login, scramVerifier(password)],
    );
    await tx.query(made?.text ?? '');
    const [granted] = await tx.query<{ text: string }>(
      `select format('grant pf_tenant to %I', $1::text) as text`,
      [login],
    );
    await tx.query(granted?.text ?? '');
    await tx.query(
      `insert into pf.tenant_logins (login, tenant) values ($1, $2)
       on conflict (login) do update set tenant = excluded.tenant`,
      [login, tenant],
    );
  });
  return login;
}

/** Also for one that is not there. What is connected as it sees nothing any more. */
export async function dropTenantLogin(database: OwnedDatabase, tenant: string): Promise<void> {
  const login = loginOf(tenant);
  await database.asOwner(async (tx) => {
    await tx.query('delete from pf.tenant_logins where login = $1', [login]);
    const [drop] = await tx.query<{ text: string }>(
      `select format('drop role if exists %I', $1::text) as text`,
      [login],
    );
    await tx.query(drop?.text ?? '');
  });
}

function loginOf(tenant: string): string {
  try {
    asTenantId(tenant);
  } catch (error) {
    if (error instanceof IdError) throw new LedgerError('BAD_QUERY', error.message);
    throw error;
  }
  const name = `pf_tenant:${tenant}`;
  if (name.length <= MAX_NAME_BYTES) return name;
  return `${name.slice(0, 46)}:${createHash('sha256').update(tenant).digest('hex').slice(0, 16)}`;
}

/** RFC 5803, as PostgreSQL stores it. */
export function scramVerifier(password: string): string {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256');
  const keyed = (word: string) => createHmac('sha256', salted).update(word).digest();
  const stored = createHash('sha256').update(keyed('Client Key')).digest('base64');
  const server = keyed('Server Key').toString('base64');
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${stored}:${server}`;
}
