import { asSecretName, asSecretTenant } from '@provability-fabric/secrets';
import { afterEach, describe, expect, it } from 'vitest';
import { ask } from '../testing/clients.ts';
import { stopServers } from '../testing/start-server.ts';
import { CANARY, NOW, startSecrets } from './testing/start-secrets.ts';

afterEach(stopServers);

const ADMIN = 'secrets-admin@acme';
const ROTATION = '00000000-0000-4000-8000-000000000001';

describe('the runbook’s curl lines', () => {
  it('rotate: answered as soon as the rotation is on record, with no value', async () => {
    const { port, rotations, events } = await startSecrets();
    const came = await ask(port, '/admin/secrets/rotate', {
      token: ADMIN,
      headers: { 'content-type': 'application/json' },
      body: '{\n    "tenantId": "acme",\n    "secretKey": "db/primary"\n  }',
    });
    expect([came.status, came.json]).toEqual([
      202,
      { rotation_id: ROTATION, tenant: 'acme', secret: 'db/primary', phase: 'stage' },
    ]);
    expect(rotations.asked).toEqual([{ tenant: 'acme', name: 'db/primary', request: {} }]);
    expect(events).toMatchObject([{ event: 'secret_rotation_asked', tags: ['SECRET_ROTATION'] }]);
  });

  it('roll back: curl -d without a content type says form and means JSON', async () => {
    const { port } = await startSecrets();
    const body = '{"tenantId":"acme","secretKey":"db/primary","targetVersion":"v1767225600001-000001"}';
    for (const type of [{ 'content-type': 'application/x-www-form-urlencoded' }, {}]) {
      const came = await ask(port, '/admin/secrets/rollback', { token: ADMIN, body, headers: { ...type } });
      expect(came.status).toBe(200);
    }
    const read = await ask(port, '/api/secrets/db/primary', { token: ADMIN });
    expect(read.json).toMatchObject({ value: { password: 'old' }, version: { version: 4 } });
    const byNumber = body.replace('"v1767225600001-000001"', '2');
    const came = await ask(port, '/admin/secrets/rollback', { token: ADMIN, body: byNumber });
    expect(came.json).toMatchObject({ tenant: 'acme', secret: 'db/primary', version: { version: 5 } });
  });

  it('a repeat with the same Idempotency-Key rotates once', async () => {
    const { port, rotations } = await startSecrets();
    const body = '{"tenantId":"acme","secretKey":"db/primary"}';
    const headers = { 'idempotency-key': 'once' };
    const first = await ask(port, '/admin/secrets/rotate', { token: ADMIN, body, headers });
    const second = await ask(port, '/admin/secrets/rotate', { token: ADMIN, body, headers });
    expect(second.text).toBe(first.text);
    expect(rotations.asked).toHaveLength(1);
    const rollback = await ask(port, '/admin/secrets/rollback', {
      token: ADMIN,
      body: '{"tenantId":"acme","secretKey":"db/primary","targetVersion":1}',
      headers,
    });
    expect(rollback.code).toBe('REQUEST_CONFLICT');
  });

  it.each([
    ['{}', 'secretKey'],
    ['{"secretKey":1}', 'secretKey'],
    ['{"secretKey":"a","targetVersion":0}', 'targetVersion'],
    ['{"secretKey":"a","targetVersion":"1; drop"}', 'targetVersion'],
    ['{"secretKey":"a","targetVersion":1,"force":true}', 'force'],
  ])('are refused where they are malformed: %s', async (body, member) => {
    const { port, secrets } = await startSecrets();
    const came = await ask(port, '/admin/secrets/rollback', { token: ADMIN, body });
    expect([came.status, came.json]).toMatchObject([400, { member }]);
    expect(secrets.accesses).toEqual([]);
  });
});

describe('versions', () => {
  it('are listed newest first, compared by field, taken away and brought back', async () => {
    const { port } = await startSecrets();
    const post = (path: string, members: object) =>
      ask(port, `/admin/secrets/${path}`, {
        token: ADMIN,
        body: JSON.stringify({ tenantId: 'acme', secretKey: 'db/primary', ...members }),
      });
    const listed = await ask(port, '/admin/secrets/versions/acme/db/primary', { token: ADMIN });
    expect(listed.json).toMatchObject([{ version: 2 }, { version: 1 }]);
    const compared = await post('compare', { from: 1, to: 'v1767225600002-000002' });
    expect(compared.json).toMatchObject({
      from: { version: 1 },
      changes: [
        { field: 'password', change: 'modified' },
        { field: 'user', change: 'modified' },
      ],
    });
    expect(compared.text).not.toContain(CANARY);
    expect((await post('destroy', { versions: [1] })).status).toBe(204);
    expect((await post('undelete', { versions: [1, 2] })).status).toBe(204);
    expect((await post('destroy', { versions: [] })).status).toBe(400);
    const metadata = { tags: { team: 'payments' }, max_versions: 5 };
    expect((await post('metadata', { metadata })).json).toEqual({
      sensitivity: 'medium',
      cas_required: false,
      ...metadata,
    });
    expect((await post('remove', {})).status).toBe(204);
    expect((await ask(port, '/api/secrets/db/primary', { token: ADMIN })).code).toBe('SECRET_NOT_FOUND');
  });
});

describe('rotations', () => {
  const view = {
    id: ROTATION,
    tenant: asSecretTenant('acme'),
    name: asSecretName('db/primary'),
    rotator: 'random',
    cause: 'manual',
    by: 'alice',
    phase: 'grace',
    attempts: 0,
    options: {},
    dueAt: NOW,
    graceMs: 0,
    changedAt: NOW,
    previousVersion: 1,
    version: 2,
    errorCode: null,
    startedAt: NOW,
    promotedAt: NOW,
    endedAt: null,
  } as const;

  it('are told of by id, in their tenant alone', async () => {
    const { port, rotations } = await startSecrets();
    rotations.known.set(ROTATION, view);
    const path = `/admin/secrets/rotations/${ROTATION}`;
    const came = await ask(port, path, { token: ADMIN });
    expect(came.json).toMatchObject({ rotation_id: ROTATION, phase: 'grace', ended_at: null });
    for (const [token, asked] of [
      ['secrets-admin@globex', path],
      [ADMIN, `${path.slice(0, -1)}2`],
      [ADMIN, '/admin/secrets/rotations/x'],
    ] as const)
      expect((await ask(port, asked, { token })).code).toBe('SECRET_NOT_FOUND');
  });

  it('are scheduled, shown and taken off the schedule', async () => {
    const { port } = await startSecrets();
    const path = '/admin/secrets/schedules/acme/db/primary';
    expect((await ask(port, path, { token: ADMIN })).code).toBe('NOT_FOUND');
    const put = (body: string) => ask(port, path, { method: 'PUT', token: ADMIN, body });
    const made = await put(
      '{"policy":"DATABASE_CREDENTIALS","everyDays":90,"at":"03:00","windows":[{"from":"22:00","to":"04:00"}]}',
    );
    expect(made.json).toEqual({
      tenant: 'acme',
      secret: 'db/primary',
      every_days: 90,
      at: '03:00',
      time_zone: 'UTC',
      grace_period_hours: 24,
      jitter_minutes: 0,
      windows: [{ days: null, from: '22:00', to: '04:00', time_zone: 'UTC' }],
      rotator: 'random',
      options: {},
      created_by: 'secrets-admin-1',
      next_at: '2026-01-01T00:00:00.000Z',
      warning: 'read as every so many days',
    });
    for (const body of [
      '{"policy":"NONE"}',
      '{"at":"9"}',
      '{"every":1}',
      '{"windows":[{"from":"22:00"}]}',
      '[]',
    ])
      expect((await put(body)).status).toBe(400);
    expect((await ask(port, path, { token: ADMIN })).json).toMatchObject({ every_days: 90, warning: null });
    expect((await ask(port, path, { method: 'DELETE', token: ADMIN })).status).toBe(204);
    expect((await ask(port, path, { method: 'DELETE', token: ADMIN })).code).toBe('NOT_FOUND');
  });
});

describe('public keys', () => {
  it('are for everybody; what is no key pair is not told from what is not there', async () => {
    const { port, rotations } = await startSecrets();
    rotations.keys.push({ kty: 'OKP', crv: 'Ed25519', x: 'AA', kid: 'k1' });
    const came = await ask(port, '/jwks/acme/signing/key');
    expect([came.status, came.json]).toEqual([200, { keys: rotations.keys }]);
    rotations.keys.length = 0;
    const answers = [];
    for (const path of ['/jwks/acme/db/primary', '/jwks/acme/none', '/jwks/acme/..%2fx', '/jwks/nobody/x']) {
      const { status, json } = await ask(port, path, { headers: { 'x-request-id': 'r' } });
      answers.push(JSON.stringify([status, json]));
    }
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain('[404,');
  });
});

describe('a rotation that failed', () => {
  it('is never said to have succeeded; one that goes on is accepted', async () => {
    const { port, rotations } = await startSecrets();
    const rotate = () =>
      ask(port, '/admin/secrets/rotate', { token: ADMIN, body: '{"secretKey":"db/primary"}' });
    for (const [phase, status] of [
      ['failed', 502],
      ['undo', 502],
      ['stage', 202],
      ['test', 202],
      ['grace', 200],
      ['done', 200],
    ] as const) {
      rotations.phase = phase;
      expect([phase, (await rotate()).status]).toEqual([phase, status]);
    }
  });
});

describe('the audit list', () => {
  it('is for auditors, who never see a value, by time and secret, page by page', async () => {
    const { port, rows, audited } = await startSecrets();
    const row = {
      id: ROTATION,
      tenant: 'acme',
      principal: 'alice',
      action: 'READ',
      secret: 'db/primary',
      version: 2,
      result: 'SUCCESS',
      details: { client: '::1' },
      at: NOW,
      statementDigest: 'sha256:ab',
    } as const;
    rows.push(row, { ...row, result: 'DENIED', errorCode: 'SECRET_FORBIDDEN', statementDigest: null });
    const token = 'auditor@acme';
    const path = '/admin/secrets/audit?secret=db/primary&since=2026-01-01T00:00:00Z&limit=1';
    const came = await ask(port, path, { token });
    expect(came.json).toEqual([
      {
        id: ROTATION,
        tenant: 'acme',
        principal: 'alice',
        action: 'READ',
        secret: 'db/primary',
        version: 2,
        result: 'SUCCESS',
        error_code: null,
        details: { client: '::1' },
        at: '2026-01-01T00:00:00.000Z',
        statement_digest: 'sha256:ab',
      },
    ]);
    expect(came.headers.link).toContain('cursor=more');
    expect(audited).toEqual([{ tenant: 'acme', secret: 'db/primary', since: NOW, limit: 1 }]);
    expect((await ask(port, '/api/secrets/db/primary', { token })).status).toBe(403);
    expect((await ask(port, '/admin/secrets/audit', { token: 'nobody@acme' })).status).toBe(403);
  });
});

describe('probes', () => {
  it('answer by the names of the Kubernetes manifests too, 503 until ready', async () => {
    const { port, condition } = await startSecrets();
    condition.ready = false;
    const statuses = async () =>
      Promise.all(
        ['live', 'ready', 'startup'].map(async (name) => (await ask(port, `/health/${name}`)).status),
      );
    expect(await statuses()).toEqual([200, 503, 503]);
    condition.ready = true;
    expect(await statuses()).toEqual([200, 200, 200]);
  });
});
