import { join } from 'node:path';
import { embeddedUrl, openDatabaseAsItIs } from '@provability-fabric/storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms } from './built-programs.fixture.ts';
import { Deployment, eventually, type Services } from './fabric-services.fixture.ts';
import { compiledBundle } from './pf-process.fixture.ts';
import { type RotationTarget, startRotationTarget } from './rotation-target.fixture.ts';
import { type AccessRow, SecretsClient } from './secrets-client.fixture.ts';

// `pf serve secrets ledger` that is killed while twenty write and read, and while a rotation is under way.
const WRITERS = 20;
const LEAST_ROUNDS = 60;

let deployment: Deployment;
let services: Services;
let url: string;
let target: RotationTarget;

beforeAll(async () => {
  await buildPrograms();
  target = await startRotationTarget();
  deployment = new Deployment({ bundle: await compiledBundle('quickstart') });
  await start();
});
afterAll(async () => {
  await services.stop();
  await target.close();
});

async function start(): Promise<void> {
  services = deployment.serve(['secrets', 'ledger'], { env: { SECRETS_WEBHOOK_LOOPBACK: 'true' } });
  url = await services.url('secrets');
}

const as = (principal: string) => SecretsClient.of(url, deployment.data, { principal });

/** What one writer was answered before the service was gone. */
class Writer {
  readonly name: string;
  /** The value of each version whose write was acknowledged. */
  readonly written = new Map<number, string>();
  reads = 0;

  constructor(index: number) {
    this.name = `writer-${index}`;
  }

  async work(client: SecretsClient): Promise<void> {
    try {
      for (let round = 0; ; round++) {
        const value = `${this.name} in round ${round}`;
        const wrote = await client.write(this.name, value);
        if (wrote.status !== 200) return;
        this.written.set((wrote.body.version as { version: number }).version, value);
        const came = await client.read(this.name);
        if (came.status !== 200) return;
        this.reads += 1;
        expect(came.body.value).toEqual({ value });
      }
    } catch (error) {
      if (!['ECONNRESET', 'ECONNREFUSED', 'EPIPE'].includes(`${(error as NodeJS.ErrnoException).code}`))
        throw error;
    }
  }
}

/** As 90 s later: until then a dead process's claim on a rotation is somebody else's, who may still be calling the target. */
async function claimsLapse(): Promise<void> {
  const database = await openDatabaseAsItIs({ url: await embeddedUrl(join(deployment.data, 'postgres')) });
  try {
    const lapse =
      'update pf.secret_rotations set held_until = clock_timestamp() where held_until is not null returning id';
    const held = await database.transaction('pf_secrets', (tx) => tx.query(lapse), { tenant: 'acme' });
    expect(held).toHaveLength(1);
  } finally {
    await database.close();
  }
}

const rowsOf = (rows: readonly AccessRow[], action: string, result: string) =>
  rows.filter((row) => row.action === action && row.result === result);

describe.sequential('the secrets service that is killed', () => {
  const writers = Array.from({ length: WRITERS }, (_, index) => new Writer(index));
  let rotation: unknown;
  let release: () => void;

  it('dies in the middle of everything', async () => {
    const ann = await as('ann');
    await ann.write('app/key', 'the first value');
    release = target.hang();
    const asked = await ann.rotate('app/key', {
      rotator: 'webhook',
      options: target.options,
      gracePeriodHours: 0,
      waitMs: 0,
    });
    expect(asked).toMatchObject({ status: 202 });
    rotation = asked.body.rotation_id;
    await eventually(
      async () => target.told.length,
      (count) => count > 0,
    );

    const working = writers.map(async (writer) => writer.work(await as(writer.name)));
    await eventually(
      async () => writers.reduce((sum, { reads }) => sum + reads, 0),
      (sum) => sum >= LEAST_ROUNDS,
    );
    services.kill('SIGKILL');
    await services.ended;
    await Promise.all(working);
    await start();
  });

  it('has every write that it acknowledged', async () => {
    for (const { name, written } of writers) {
      const client = await as(name);
      const [last = 0] = [...written.keys()].slice(-1);
      expect(last).toBeGreaterThan(0);
      for (const [version, value] of [...written].slice(-9))
        expect((await client.read(name, version)).body.value).toEqual({ value });
      // At most the one that nobody was told of came after it.
      const current = (await client.read(name)).body.version as { version: number };
      expect([last, last + 1]).toContain(current.version);
    }
  });

  it('has every answer on record, once', async () => {
    for (const { name, written, reads } of writers) {
      const checks = Math.min(written.size, 9) + 1;
      const rows = await (await as(name)).accesses(`&secret=${name}`);
      const identities = rows.map(({ id, result }) => `${id} ${result}`);
      expect(new Set(identities).size).toBe(rows.length);
      const started = new Set(rowsOf(rows, 'WRITE', 'STARTED').map(({ id }) => id));
      const done = rowsOf(rows, 'WRITE', 'SUCCESS');
      for (const version of written.keys()) {
        const [row, ...more] = done.filter((each) => each.version === version);
        expect([more, started.has(`${row?.id}`)]).toEqual([[], true]);
      }
      // What was on record at the kill and not answered: one at most.
      expect(done.length - written.size).toBeOneOf([0, 1]);
      expect(started.size - written.size).toBeOneOf([0, 1]);
      expect(rowsOf(rows, 'READ', 'SUCCESS').length - reads - checks).toBeOneOf([0, 1]);
      expect(rows.filter(({ result }) => result === 'FAILURE' || result === 'DENIED')).toEqual([]);
    }
  });

  it('ends the rotation by itself, with a value that its target was told to take', async () => {
    const ann = await as('ann');
    release();
    await claimsLapse();
    expect(await ann.rotationEnds(rotation)).toMatchObject({
      body: { phase: expect.stringMatching(/^(?:grace|done)$/), error_code: null, version: 2 },
    });
    const { body } = await ann.read('app/key');
    expect(body.version).toMatchObject({ version: 2, state: 'current' });
    expect(target.promoted.has(`${rotation}`)).toBe(true);
    expect(body.value).toEqual(target.provisioned.get(`${rotation}`));
    expect((await ann.read('app/key', 1)).body.value).toEqual({ value: 'the first value' });
  });

  it('has a continuous record', async () => {
    const check = () =>
      deployment.pfctl('continuity', 'check', '--since', '1hour').catch((error: Error) => error.message);
    const said = await eventually(check, (text) => /^continuous$/m.test(text));
    expect(said).toContain(' 0 unattested, 0 unlisted');
    const rows = await (await as('ann')).accesses();
    expect(rows.filter(({ statement_digest }) => statement_digest === null)).toEqual([]);
  });
});
