import { fromBase64, openEnvelope, parseEnvelope, parseJsonBytes } from '@provability-fabric/kernel';
import {
  decodeChained,
  type GovernedChangeStatement,
  inputRoot,
  parseGovernedChangeDetails,
  parseInputRecord,
} from '@provability-fabric/statements';
import { describe, expect, it } from 'vitest';
import { changeEvent, crypto, KEYS, LOG_ID, type ToldJournal, trailOn } from './audit.fixture.ts';
import type { ChangeEvent } from './change-event.ts';

const unavailable = { code: 'CHANGE_AUDIT_UNAVAILABLE' };

function statementsIn(journal: ToldJournal): readonly GovernedChangeStatement[] {
  return journal.entries.map(({ envelope }) => {
    const parsed = parseEnvelope(parseJsonBytes(envelope));
    openEnvelope(crypto, parsed, KEYS);
    return decodeChained(parsed.payloadType, fromBase64(parsed.payload)) as GovernedChangeStatement;
  });
}

describe('the trail of changes', () => {
  it('refuses the step where the journal does, says so in its health, and goes on when it takes it again', async () => {
    const { journal, trail } = trailOn();
    journal.failure = new Error('no space left');
    await expect(trail.record(changeEvent())).rejects.toMatchObject(unavailable);
    expect([journal.entries.length, trail.health().join()]).toEqual([0, expect.stringContaining('journal')]);
    journal.failure = undefined;
    await trail.record(changeEvent());
    expect([journal.entries.length, trail.health()]).toEqual([1, []]);
  });

  it('refuses what no reader would take, and nobody beside it', async () => {
    const { journal, trail } = trailOn();
    const bad: readonly Partial<ChangeEvent>[] = [
      { id: 'x' },
      { principal: '' },
      { at: Number.NaN },
      { kind: 'something' as never },
      { actor: 'nobody' as never },
      { manifest: 'short' as never },
      { errorCode: 'it said: hunter2' },
      { policy: { digest: 'x' as never, version: 1 } },
      { commit: 'main' },
      { idempotencyKey: 'half \ud800' },
    ];
    const answers = await Promise.allSettled([
      ...bad.map((change) => trail.record(changeEvent(change))),
      trail.record(changeEvent()),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([...bad.map(() => 'rejected'), 'fulfilled']);
    expect(journal.entries).toHaveLength(1);
  });

  it('refuses at once what is more than it may hold, and everything once it closes', async () => {
    const { journal, trail } = trailOn(undefined, { most: 2 });
    const results = await Promise.allSettled([1, 2, 3].map(() => trail.record(changeEvent())));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    const last = trail.record(changeEvent());
    await trail.close();
    await last;
    await expect(trail.record(changeEvent())).rejects.toMatchObject(unavailable);
    expect(journal.entries).toHaveLength(3);
  });

  it('cuts and cleans texts for people: a step does not go unrecorded for the sake of a name', async () => {
    const { journal, trail } = trailOn();
    const { id } = changeEvent();
    await trail.record(
      changeEvent({ id, principal: `a\n\ud800${'x'.repeat(300)}`, detail: `b\u0000${'y'.repeat(2000)}` }),
    );
    const [statement] = statementsIn(journal);
    expect(statement?.principal).toBe(`a\ufffd\ufffd${'x'.repeat(252)}`);
    const record = parseInputRecord(parseJsonBytes(journal.entries[0]?.record as Uint8Array));
    expect(parseGovernedChangeDetails(record).detail).toBe(`b\ufffd${'y'.repeat(998)}`);
  });

  it('writes one chain, session after session, also after a restart', async () => {
    const { journal, trail } = trailOn(undefined, { sessionLength: 3 });
    await Promise.all([1, 2, 3, 4].map(() => trail.record(changeEvent())));
    await trailOn(journal, { sessionLength: 3 }).trail.record(changeEvent());
    const digests = journal.entries.map(({ digest }) => digest);
    expect(
      statementsIn(journal).map(({ session, seq, previous, continues }) => [
        session,
        seq,
        previous,
        continues,
      ]),
    ).toEqual([
      [`changes:${LOG_ID}:0`, 0, null, null],
      [`changes:${LOG_ID}:0`, 1, digests[0], null],
      [`changes:${LOG_ID}:0`, 2, digests[1], null],
      [`changes:${LOG_ID}:1`, 0, null, digests[2]],
      [`changes:${LOG_ID}:1`, 1, digests[3], null],
    ]);
  });

  it('has the whole step on record: what anyone may see in the statement, the rest in its salted record', async () => {
    const { journal, trail } = trailOn();
    const event = changeEvent({ detail: 'as asked', commit: 'ef'.repeat(20) });
    const { statement: digest } = await trail.record(event);
    expect(journal.entries[0]?.digest).toBe(digest);
    const [statement] = statementsIn(journal);
    expect(statement).toMatchObject({
      kind: 'change-applied',
      principal: 'alice',
      manifest: event.manifest,
      policy: event.policy,
      tree: event.tree,
      sandbox: { rc: 0, duration_ms: 13, timed_out: false },
      commit: event.commit,
    });
    const record = parseInputRecord(parseJsonBytes(journal.entries[0]?.record as Uint8Array));
    expect(inputRoot(crypto, record)).toBe(statement?.details_root);
    expect(parseGovernedChangeDetails(record)).toMatchObject({
      change_id: event.id,
      detail: 'as asked',
      idempotency_key: event.idempotencyKey,
      files: event.files,
      signers: [{ key_id: 'default', role: 'human' }],
      sandbox: { engine: 'bubblewrap 0.8.0', duration_ms: 13, stdout_bytes: 3 },
    });
  });
});
