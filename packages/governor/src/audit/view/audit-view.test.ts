import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  changeEvent,
  crypto,
  digest,
  KEYS,
  pause,
  TENANT,
  type TestTrail,
  ToldJournal,
  trailOn,
} from '../audit.fixture.ts';
import type { AuditRecord } from '../audit-record.ts';
import type { ChangeSource } from '../change-source.ts';
import { type AuditViewOptions, openAuditView } from './audit-view.ts';
import { lastRecords } from './last-records.ts';

const GENESIS = '21d21549';
let folder = '';
let path = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pf-view-'));
  path = join(folder, 'audit.log');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (source: ChangeSource, options: Partial<AuditViewOptions> = {}) =>
  openAuditView({
    path,
    source,
    crypto,
    tenant: TENANT,
    keys: () => KEYS,
    pause,
    patienceMs: 1000,
    ...options,
  });

async function record({ trail }: TestTrail, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => trail.record(changeEvent())));
}

const lines = async (file = path) => (await readFile(file, 'utf8')).split('\n').slice(0, -1);

describe('the view, when something went wrong', () => {
  it('cuts off a torn tail at its start, and writes the line again', async () => {
    const made = trailOn();
    await record(made, 5);
    const first = await open(made.source);
    await first.catchUp();
    await first.close();
    const whole = await readFile(path);
    for (const cut of [1, 20, 400]) {
      await writeFile(path, whole.subarray(0, whole.length - cut));
      const events: string[] = [];
      const view = await open(made.source, { emit: (event) => events.push(event) });
      await view.catchUp();
      await view.close();
      expect(await readFile(path)).toEqual(whole);
      expect(events).toEqual(['audit_view_torn']);
    }
  });

  it('is filled again where it was emptied or lost', async () => {
    const made = trailOn();
    await record(made, 3);
    const view = await open(made.source);
    await view.catchUp();
    const whole = await readFile(path);
    for (const harm of [() => truncate(path, 0), () => rm(path), () => truncate(path, whole.length - 300)]) {
      await harm();
      await view.catchUp();
      expect(await readFile(path)).toEqual(whole);
    }
    await view.close();
  });

  it('adds nothing to a file whose end is not what is on record, and says so', async () => {
    const made = trailOn();
    await record(made, 3);
    const other = trailOn();
    await record(other, 2);
    const foreign = await open(other.source);
    await foreign.catchUp();
    await foreign.close();
    const before = await readFile(path);
    const view = await open(made.source);
    await expect(view.catchUp()).rejects.toMatchObject({ code: 'CHANGE_AUDIT_DAMAGED' });
    expect(view.health().join()).toContain('record 1');
    expect(await readFile(path)).toEqual(before);
    await view.close();
    await appendFile(path, '{"index": 7}\n');
    await expect(open(made.source)).rejects.toMatchObject({ code: 'CHANGE_AUDIT_DAMAGED' });
  });

  it('waits for what its ledger is yet to get, rather than calling the file damaged', async () => {
    const made = trailOn();
    await record(made, 2);
    const view = await open(made.source);
    await view.catchUp();
    await view.close();
    const whole = await readFile(path);
    const behind = await open(trailOn(new ToldJournal()).source);
    await behind.catchUp();
    await behind.close();
    expect(await readFile(path)).toEqual(whole);
  });

  it('says in time where a statement does not come', async () => {
    const view = await open(trailOn().source, { patienceMs: 300 });
    await expect(view.positionOf(digest('nowhere'))).rejects.toMatchObject({
      code: 'CHANGE_AUDIT_UNAVAILABLE',
    });
    await view.close();
    await expect(view.catchUp()).rejects.toMatchObject({ code: 'CHANGE_AUDIT_UNAVAILABLE' });
  });

  it('has the same bytes from two writers of one file at once', async () => {
    const made = trailOn();
    const views = [await open(made.source), await open(made.source)];
    for (let round = 0; round < 20; round++) {
      await record(made, 3);
      await Promise.all(views.map((view) => view.catchUp()));
    }
    for (const view of views) {
      await view.catchUp();
      expect(await view.verify()).toMatchObject({ valid: true, records: 60, behind: 0 });
      await view.close();
    }
    expect(new Set(await lines()).size).toBe(61);
  });
});

describe('the view', () => {
  it('begins with the genesis, and each line follows from the one before it', async () => {
    const made = trailOn();
    const view = await open(made.source);
    expect(await view.catchUp()).toBeNull();
    expect(JSON.parse((await lines())[0] as string).merkle_root.slice(0, 8)).toBe(GENESIS);
    const event = changeEvent({
      kind: 'change-refused',
      verdict: 'blocked',
      errorCode: 'CHANGE_BLOCKED',
      sandbox: null,
    });
    const { statement } = await made.trail.record(event);
    const position = await view.positionOf(statement);
    const [record] = await view.last(5);
    expect(record).toMatchObject({
      index: 0,
      merkle_root: position.merkle_root,
      manifest_sha256: event.manifest,
      policy_verdict: 'blocked',
      applied: false,
      error: 'CHANGE_BLOCKED',
      sandbox_result: null,
      statement_sha256: statement,
    } satisfies Partial<AuditRecord>);
    expect(record?.prev_root.slice(0, 8)).toBe(GENESIS);
    await made.trail.record(changeEvent());
    expect(await view.catchUp()).toMatchObject({ index: 1 });
    expect((await view.last(1))[0]?.sandbox_result).toEqual({
      rc: 0,
      stdout: '',
      stderr: '',
      duration_ms: 13,
      timed_out: false,
    });
    expect(((await stat(path)).mode & 0o777).toString(8)).toBe('600');
    await view.close();
  });

  it('has the same bytes on every replica, whatever was written at once', async () => {
    const made = trailOn(undefined, { sessionLength: 7 });
    const other = join(folder, 'replica.log');
    const view = await open(made.source);
    await record(made, 20);
    await view.catchUp();
    await record(made, 80);
    const replica = await open(made.source, { path: other });
    await Promise.all([view.catchUp(), replica.catchUp()]);
    expect(await readFile(other)).toEqual(await readFile(path));
    expect(await view.behind()).toBe(0);
    await view.close();
    await replica.close();
  });

  it('keeps its newest records in the live file and the others compressed, and is one chain over all parts', async () => {
    const made = trailOn();
    const view = await open(made.source, { maxBytes: 8_000 });
    for (let round = 0; round < 8; round++) {
      await record(made, 3);
      await view.catchUp();
    }
    const names = (await readdir(folder)).sort();
    expect(names.length).toBeGreaterThan(3);
    expect(names).toEqual([
      'audit.log',
      ...Array.from({ length: names.length - 1 }, (_, i) => `audit.log.${i + 1}.gz`),
    ]);
    expect(await view.verify()).toMatchObject({ valid: true, records: 24, problems: [] });
    expect((await view.last(24)).map(({ index }) => index)).toEqual(Array.from({ length: 24 }, (_, i) => i));
    expect((await lastRecords(crypto, path, 2)).map(({ index }) => index)).toEqual([22, 23]);
    await view.close();
    const again = await open(made.source, { maxBytes: 8_000 });
    await record(made, 1);
    expect(await again.catchUp()).toMatchObject({ index: 24 });
    expect(await again.verify()).toMatchObject({ valid: true });
    await rm(path);
    await again.catchUp();
    expect(await again.verify()).toMatchObject({ valid: true, records: 25 });
    await rm(join(folder, 'audit.log.2.gz'));
    expect((await again.verify()).problems.join()).toContain('continues the one before');
    await again.close();
  });

  it('takes back a rotation that was cut off between its two renames', async () => {
    const made = trailOn();
    await record(made, 4);
    const view = await open(made.source);
    await view.catchUp();
    await view.close();
    const { pack } = await import('./pack.ts');
    await pack(path, `${path}.1.gz`, join(folder, 'meanwhile'));
    const again = await open(made.source);
    expect(await again.verify()).toMatchObject({ valid: true, records: 4 });
    expect(await readdir(folder)).toEqual(['audit.log']);
    await again.close();
  });
});
