import { describe, expect, it } from 'vitest';
import { changeEvent, crypto, digest, trailOn } from './audit.fixture.ts';
import { openChangeRecord } from './change-record.ts';
import type { ChangeSource } from './change-source.ts';

const later = { digest: digest('policy 4'), version: 4 };

/** A policy, an applied change, a refused one, a rollback of the first, one that was begun, and another applied one. */
async function history() {
  const made = trailOn(undefined, { sessionLength: 3 });
  const first = changeEvent({ files: [file('src/a.ts'), file('src/b.ts')] });
  const events = [
    changeEvent({ kind: 'policy-adopted', manifest: null }),
    changeEvent({ ...first, kind: 'change-started' }),
    first,
    changeEvent({ kind: 'change-refused', verdict: 'blocked', errorCode: 'CHANGE_BLOCKED' }),
    changeEvent({ kind: 'rollback-applied', reverts: first.manifest }),
    changeEvent({ kind: 'change-started' }),
    changeEvent({ kind: 'policy-adopted', manifest: null, policy: later }),
    changeEvent({ files: [file('src/c.ts')] }),
  ];
  for (const event of events) await made.trail.record(event);
  return { ...made, events };
}

function file(path: string) {
  return { path, before: { digest: digest(path), mode: '100644' }, after: null };
}

describe('what the record says, folded', () => {
  it('refuses to say which files a change had once its details were erased, and what was changed', async () => {
    const { source, journal, events } = await history();
    const erased: ChangeSource = {
      ...source,
      async *from(index) {
        for await (const change of source.from(index)) yield { ...change, record: null };
      },
    };
    const record = openChangeRecord({ source: erased, crypto });
    await record.catchUp();
    await expect(record.find(events[2]?.manifest as never)).rejects.toMatchObject({
      code: 'ROLLBACK_IMPOSSIBLE',
    });
    await expect(record.after(0)).rejects.toMatchObject({ code: 'ROLLBACK_IMPOSSIBLE' });
    const exchanged: ChangeSource = {
      ...source,
      async *from(index) {
        for await (const change of source.from(index))
          yield { ...change, record: journal.entries[0]?.record as Uint8Array };
      },
    };
    await expect(openChangeRecord({ source: exchanged, crypto }).catchUp()).rejects.toMatchObject({
      code: 'CHANGE_AUDIT_DAMAGED',
    });
  });

  it('knows every policy that was adopted, in order', async () => {
    const { source, events } = await history();
    const record = openChangeRecord({ source, crypto });
    expect(record.policies()).toEqual([]);
    await record.catchUp();
    expect(record.policies()).toEqual([events[0]?.policy, later]);
  });

  it('finds what was applied by hash or index, with its files, and nothing else', async () => {
    const { source, events } = await history();
    const record = openChangeRecord({ source, crypto });
    await record.catchUp();
    const wanted = events[2] as (typeof events)[number];
    const found = await record.find(wanted.manifest as never);
    expect(found).toEqual({
      index: 2,
      kind: 'change-applied',
      manifest: wanted.manifest,
      reverts: null,
      files: wanted.files,
      merkle_root: expect.stringMatching(/^[0-9a-f]{64}$/),
      commit: null,
    });
    expect(await record.find(2)).toEqual(found);
    for (const none of [0, 1, 3, 99, digest('nothing')]) expect(await record.find(none)).toBeUndefined();
  });

  it('names what was applied later, in order, and what was begun and never ended', async () => {
    const { source, events } = await history();
    const record = openChangeRecord({ source, crypto });
    await record.catchUp();
    expect((await record.after(2)).map(({ index, kind }) => [index, kind])).toEqual([
      [4, 'rollback-applied'],
      [7, 'change-applied'],
    ]);
    expect(await record.after(7)).toEqual([]);
    expect(record.unfinished()).toEqual([
      { id: events[5]?.id, kind: 'change-started', index: 5, manifest: events[5]?.manifest, reverts: null },
    ]);
    const claims = [2, 4, 7].map((place) => events[place] as (typeof events)[number]);
    expect([...record.applied()].map(({ manifest, idempotencyKey }) => [manifest, idempotencyKey])).toEqual(
      claims.map(({ manifest, idempotencyKey }) => [manifest, idempotencyKey]),
    );
  });

  it('goes on from where it was', async () => {
    const { source, trail } = await history();
    const record = openChangeRecord({ source, crypto });
    await record.catchUp();
    const next = changeEvent();
    await trail.record(next);
    await Promise.all([record.catchUp(), record.catchUp()]);
    expect([record.count, (await record.find(8))?.manifest]).toEqual([9, next.manifest]);
  });
});
