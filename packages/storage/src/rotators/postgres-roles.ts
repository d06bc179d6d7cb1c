// Two roles of a PostgreSQL database take turns: the new password goes to the one that nobody uses, so that at every moment
// the current value of the secret is a login that works.
import {
  type RandomBytes,
  type Rotator,
  randomText,
  SecretError,
  type SecretValue,
} from '@provability-fabric/secrets';
import type { Client } from 'pg';
import { scramVerifier } from '../database/tenant-login.ts';
import { addressOf, asUser, type RotationContext, withLogin } from './role-login.ts';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const PASSWORD_LENGTH = 40;
/** PostgreSQL cuts longer names off without a word, and so would alter another role. */
const MAX_ROLE_BYTES = 63;

type Turn = 'primary' | 'secondary';

/**
 * The secret: `active_user` (primary or secondary), `primary_username`, `primary_password`, `secondary_username`,
 * `secondary_password`, `last_rotated_at`, and `username` and `password` of the active one. Both roles exist and may do the
 * same. Options: `admin`, the name of a secret of the same tenant with the login of a role that may alter both; `endSessions`,
 * whether the connections of the role that is revoked are ended (needs pg_signal_backend). With `sockets` the target may
 * be a socket of this host, which may let in whoever runs the fabric: for tests.
 */
export function createPostgresRolesRotator(randomBytes: RandomBytes, sockets = false): Rotator {
  const addressFor = (context: RotationContext) => addressIn(context, sockets);
  const asAdministrator = <T>(
    context: RotationContext,
    username: string,
    work: (client: Client) => Promise<T>,
  ): Promise<T> => administering(context, username, sockets, work);
  return {
    name: 'postgres-roles',
    async generate(current, { now }) {
      const next: Turn = activeOf(current) === 'primary' ? 'secondary' : 'primary';
      const username = roleOf(current, next);
      // Letters and digits: anything else would have to go through SASLprep (RFC 4013) first.
      const password = randomText(PASSWORD_LENGTH, ALPHABET, randomBytes);
      return {
        ...current,
        active_user: next,
        [`${next}_password`]: password,
        username,
        password,
        last_rotated_at: new Date(now).toISOString(),
      };
    },
    async set({ username = '', password = '' }, current, context) {
      requireUnused(username, current);
      const verifier = scramVerifier(password);
      await asAdministrator(context, username, (client) =>
        alter(client, `alter role %I login password %L`, username, verifier),
      );
    },
    async test({ username = '', password = '' }, _current, context) {
      const url = asUser(await addressFor(context), username, password);
      await withLogin(url, context.signal, async (client) => {
        const { rows } = await client.query<{ current_user: string }>('select current_user');
        if (rows[0]?.current_user !== username)
          throw new SecretError('ROTATION_FAILED', 'expected the login to be that of the role');
      });
    },
    async revoke(previous, current, context) {
      const other: Turn = activeOf(current) === 'primary' ? 'secondary' : 'primary';
      const username = previous?.username ?? roleOf(current, other);
      requireUnused(username, current);
      await asAdministrator(context, username, async (client) => {
        await alter(client, 'alter role %I nologin password null', username);
        if (context.options.endSessions !== true) return;
        await client.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [
          username,
        ]);
      });
    },
    async undo({ username = '' }, current, context) {
      requireUnused(username, current);
      await asAdministrator(context, username, (client) =>
        alter(client, 'alter role %I nologin password null', username),
      );
    },
  };
}

async function administering<T>(
  context: RotationContext,
  username: string,
  sockets: boolean,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const address = await addressIn(context, sockets);
  if (decodeURIComponent(address.username) === username)
    throw new SecretError(
      'ROTATION_INVALID',
      'expected the administrator to be another role than those that take turns',
    );
  return withLogin(address, context.signal, async (client) => {
    // A password that a crash of the target would take back must not be promoted.
    await client.query('set synchronous_commit = on');
    return work(client);
  });
}

async function addressIn({ options, readSecret }: RotationContext, sockets: boolean): Promise<URL> {
  const { admin } = options;
  if (typeof admin !== 'string')
    throw new SecretError(
      'ROTATION_INVALID',
      "expected the option `admin` to name the administrator's secret",
    );
  return addressOf(await readSecret(admin), sockets);
}

/** The verifier and never the password goes to the server, which could otherwise log it. */
async function alter(client: Client, statement: string, role: string, verifier = ''): Promise<void> {
  const { rows } = await client.query<{ text: string }>(
    `select format('${statement}', $1::text, $2::text) as text`,
    [role, verifier],
  );
  await client.query(rows[0]?.text ?? '');
}

/** Whatever else goes wrong: the login that is in use is not touched. */
function requireUnused(username: string, { username: current }: SecretValue): void {
  if (username !== current) return;
  throw new SecretError(
    'ROTATION_INVALID',
    'expected a role that the current value does not use, got the one that it does',
  );
}

function activeOf({ active_user: active }: SecretValue): Turn {
  if (active === 'primary' || active === 'secondary') return active;
  throw new SecretError(
    'ROTATION_INVALID',
    'expected the field `active_user` to be `primary` or `secondary`',
  );
}

function roleOf(value: SecretValue, turn: Turn): string {
  const role = value[`${turn}_username`] ?? '';
  const [active, other] = [value.primary_username, value.secondary_username];
  if (role !== '' && Buffer.byteLength(role) <= MAX_ROLE_BYTES && active !== other) return role;
  throw new SecretError(
    'ROTATION_INVALID',
    `expected \`primary_username\` and \`secondary_username\` to be two roles of at most ${MAX_ROLE_BYTES} bytes`,
  );
}
