import { randomBytes } from 'node:crypto';
import type { RotationPhase, RotationStore, Rotator, SecretProvider } from '@provability-fabric/secrets';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTestServer, type TestServer } from '../reader/ledger-database.fixture.ts';
import { asSuperuser, connectAs, databaseOf, freshDatabase } from '../testing/fresh-database.fixture.ts';
import { runProgram } from '../testing/program.fixture.ts';
import { createPostgresRolesRotator } from './postgres-roles.ts';
import {
  ADMIN,
  newRotation,
  openRotatingHouse,
  openTestRotations,
  ROTATED,
} from './testing/rotating-house.fixture.ts';

const ADMIN_PASSWORD = 'administrator-of-the-target';
const FIRST = 'first-password-of-the-primary';

let server: TestServer;
let targetUrl: string;
let provider: SecretProvider;
let store: RotationStore;

beforeAll(async () => {
  server = await startTestServer();
  targetUrl = await freshDatabase(server);
  ({ provider, store } = await openRotatingHouse(server.database));
  await asSuperuser(
    server,
    `create role target_admin login createrole password '${ADMIN_PASSWORD}';
     create role app_a login; create role app_b nologin; create role bystander login password '${FIRST}';
     grant app_a to target_admin with admin option; grant app_b to target_admin with admin option`,
  );
  await provider.write(ADMIN, { url: asTarget('target_admin', ADMIN_PASSWORD) }, { author: 'alice' });
});
afterAll(async () => {
  await provider?.close();
  await server?.stop();
});

/** Both roles as at the beginning, and the secret with the primary's login. */
beforeEach(async () => {
  await asSuperuser(
    server,
    `alter role app_a login password '${FIRST}'; alter role app_b nologin password null`,
  );
  await provider.write(
    ROTATED,
    {
      active_user: 'primary',
      primary_username: 'app_a',
      primary_password: FIRST,
      secondary_username: 'app_b',
      secondary_password: 'never-used-so-far',
      username: 'app_a',
      password: FIRST,
      last_rotated_at: '2026-01-01T00:00:00.000Z',
    },
    { author: 'alice' },
  );
});

function asTarget(user: string, password: string): string {
  const url = new URL(targetUrl);
  url.username = user;
  url.password = password;
  return url.href;
}

async function letsIn(user = '', password = ''): Promise<boolean> {
  try {
    await (await connectAs(targetUrl, user, password)).end();
    return true;
  } catch {
    return false;
  }
}

const current = async () => (await provider.read(ROTATED)).value;

/** Reads the current value and logs in with it, over and over; counts how often that failed with a value that still is. */
function watchCurrent() {
  let watching = true;
  let lockedOut = 0;
  let logins = 0;
  const watch = (async () => {
    while (watching) {
      const { username, password } = await current();
      if (await letsIn(username, password)) logins += 1;
      else if ((await current()).password === password) lockedOut += 1;
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
  })();
  return async () => {
    watching = false;
    await watch;
    return { lockedOut, logins };
  };
}

describe('rotating the roles of a database', () => {
  it('never alters the role that is in use, whatever the values say', async () => {
    const rotator = createPostgresRolesRotator(randomBytes, true);
    const value = await current();
    const context = contextOf({ admin: ADMIN.name });
    for (const act of [
      () => rotator.set(value, value, context),
      () => rotator.revoke(value, value, context),
      () => rotator.undo(value, value, context),
    ])
      await expect(act()).rejects.toMatchObject({ code: 'ROTATION_INVALID' });
    expect(await letsIn('app_a', FIRST)).toBe(true);
  });

  it('takes turns: the other role gets a new password, and the one before cannot log in after the grace', async () => {
    const rotations = openTestRotations(provider, store);
    const stop = watchCurrent();
    const answer = await rotations.rotateNow(
      { tenant: null, principal: 'alice', roles: [], details: {} },
      ROTATED,
      { rotator: 'postgres-roles', options: { admin: ADMIN.name }, gracePeriodHours: 0.0001 },
    );
    expect(answer.phase).toBe('grace');
    const rotated = await current();
    expect(rotated).toMatchObject({ active_user: 'secondary', username: 'app_b', primary_password: FIRST });
    expect(rotated.password).toBe(rotated.secondary_password);
    expect(await letsIn('app_b', rotated.password)).toBe(true);
    rotations.start();
    await expect.poll(() => letsIn('app_a', FIRST), { timeout: 5_000 }).toBe(false);
    await expect
      .poll(async () => (await store.rotation(ROTATED.tenant, answer.rotationId))?.phase)
      .toBe('done');
    await rotations.stop();
    expect((await stop()).lockedOut).toBe(0);
    expect(await letsIn('app_b', rotated.password)).toBe(true);
  });

  it('sends the server a verifier, and never the password', async () => {
    const rotator = createPostgresRolesRotator(randomBytes, true);
    const pending = await rotator.generate(await current(), contextOf({ admin: ADMIN.name }));
    await rotator.set(pending, await current(), contextOf({ admin: ADMIN.name }));
    const [stored] = await asSuperuser<{ rolpassword: string }>(
      server,
      "select rolpassword from pg_authid where rolname = 'app_b'",
    );
    expect(stored?.rolpassword).toMatch(/^SCRAM-SHA-256\$4096:/);
    expect(pending.password).toMatch(/^[0-9A-Za-z]{40}$/);
  });

  it.each([
    [
      'a role that is not there',
      { secondary_username: 'nobody_here' },
      {},
      /the role of the secret to exist/,
    ],
    ['a role of somebody else', { secondary_username: 'bystander' }, {}, /allowed to alter the role/],
    ['one role twice', { secondary_username: 'app_a' }, {}, /to be two roles/],
    ['a name that PostgreSQL would cut off', { secondary_username: 'x'.repeat(64) }, {}, /to be two roles/],
    ['the administrator itself', { secondary_username: 'target_admin' }, {}, /to be another role/],
    ['no turn', { active_user: 'both' }, {}, /`active_user`/],
    ['no administrator', {}, { admin: '' }, /secret name|administrator/],
  ])('refuses %s by name, and leaves the login as it was', async (_name, fields, options, problem) => {
    const rotator = createPostgresRolesRotator(randomBytes, true);
    const value = { ...(await current()), ...fields };
    const context = contextOf({ admin: ADMIN.name, ...options });
    const rotate = async () => rotator.set(await rotator.generate(value, context), value, context);
    await expect(rotate()).rejects.toThrow(problem);
    expect(await letsIn('app_a', FIRST)).toBe(true);
    expect(await letsIn('bystander', FIRST)).toBe(true);
  });

  it.each([
    ['a password', (url: URL) => Object.assign(url, { password: '' }).href],
    ['a user name', (url: URL) => Object.assign(url, { username: '' }).href],
    ['a database', (url: URL) => Object.assign(url, { pathname: '' }).href],
  ])('takes %s that the administrator’s secret lacks from nowhere else', async (_name, without) => {
    vi.stubEnv('PGUSER', 'target_admin');
    vi.stubEnv('PGPASSWORD', ADMIN_PASSWORD);
    vi.stubEnv('PGDATABASE', databaseOf(targetUrl));
    const rotator = createPostgresRolesRotator(randomBytes, true);
    const value = await current();
    const admin = without(new URL(asTarget('target_admin', ADMIN_PASSWORD)));
    const context = { ...contextOf({ admin: 'x' }), readSecret: async () => ({ url: admin }) };
    const set = rotator.set(await rotator.generate(value, context), value, context);
    await expect(set.finally(() => vi.unstubAllEnvs())).rejects.toMatchObject({ code: 'ROTATION_INVALID' });
  });

  it.each(['host=/var/run/postgresql', 'user=postgres', 'sslrootcert=/etc/hostname', 'port=1'])(
    'takes no `%s` from the URL: sockets and files are this host’s',
    async (parameter) => {
      const rotator = createPostgresRolesRotator(randomBytes);
      const value = await current();
      const url = `postgresql://u:${ADMIN_PASSWORD}@127.0.0.1:1/none?${parameter}`;
      const context = { ...contextOf({ admin: 'x' }), readSecret: async () => ({ url }) };
      const set = rotator.set(await rotator.generate(value, context), value, context);
      await expect(set).rejects.toMatchObject({ code: 'ROTATION_INVALID' });
    },
  );

  it('says that the target cannot be reached without its address or password', async () => {
    const rotator = createPostgresRolesRotator(randomBytes, true);
    const value = await current();
    const context = {
      ...contextOf({ admin: 'x' }),
      readSecret: async () => ({ url: `postgresql://u:${ADMIN_PASSWORD}@127.0.0.1:1/none` }),
    };
    const failed: Error = await rotator.set(await rotator.generate(value, context), value, context).then(
      () => new Error('none'),
      (error) => error as Error,
    );
    expect(failed).toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    expect(`${failed.message}${String(failed.cause)}`).not.toMatch(/127\.0\.0\.1|administrator-of/);
  });
});

describe('kill -9 in each phase of a rotation', () => {
  const program = new URL('./testing/rotating-program.ts', import.meta.url);
  const url = () => server.postgres.url;
  /** As if the claim of the process that was killed had run out. */
  const forgetClaims = () =>
    asSuperuser(server, 'update pf.secret_rotations set held_until = null', databaseOf(url()));

  async function killIn(phases: readonly RotationPhase[], end: RotationPhase, ...more: readonly string[]) {
    const rotation = newRotation(200);
    expect(await store.begin(rotation)).toBe('begun');
    const stop = watchCurrent();
    for (const phase of phases) {
      const { ended, printed } = runProgram(program, [url(), rotation.id, phase, ...more]);
      await printed(`dying before ${phase}`);
      expect(await ended).toBeNull();
      await forgetClaims();
    }
    const last = runProgram(program, [url(), rotation.id, '', ...more]);
    await last.printed(`ended ${end}`);
    expect(await last.ended).toBe(0);
    const { lockedOut, logins } = await stop();
    expect(lockedOut).toBe(0);
    expect(logins).toBeGreaterThan(10);
  }

  it('leads to the new login in the end, and the current one works at every moment', async () => {
    await killIn(['set', 'test', 'promote', 'notify', 'grace', 'revoke', 'done'], 'done');
    const { username, password } = await current();
    expect(username).toBe('app_b');
    expect(await letsIn(username, password)).toBe(true);
    expect(await letsIn('app_a', FIRST)).toBe(false);
    expect(await provider.staged(ROTATED)).toBeNull();
  });

  it('leads back where the new login is refused, and the old one works at every moment', async () => {
    await killIn(['undo', 'failed'], 'failed', 'refuses-tests');
    const { username, password } = await current();
    expect([username, password]).toEqual(['app_a', FIRST]);
    expect(await letsIn(username, password)).toBe(true);
    expect(await provider.staged(ROTATED)).toBeNull();
  });
});

function contextOf(options: Readonly<Record<string, string>>): Parameters<Rotator['set']>[2] {
  return {
    rotationId: '11111111-1111-4111-8111-111111111111',
    place: ROTATED,
    options,
    now: Date.now(),
    signal: new AbortController().signal,
    readSecret: async (name) => (await provider.read({ ...ROTATED, name: name as never })).value,
  };
}
