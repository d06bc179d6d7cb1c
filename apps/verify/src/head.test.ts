import { asDigest, type JsonValue } from '@provability-fabric/kernel';
import { decodeStatement } from '@provability-fabric/statements';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deskBundle } from './bundle.fixture.ts';
import { type HeadLies, headFor, STRANGER } from './head.fixture.ts';
import { bytesOf, type EvidenceJson, SIGNER, TestLog, testKey } from './log.fixture.ts';
import { TestSession } from './session.fixture.ts';
import { jsonOf, story } from './story.fixture.ts';
import { check, wrong } from './verification.fixture.ts';

const told = story();
const SIZE = told.log.entries.length;

/** A file with a head of its own: of the log as it was with `over` entries. */
function withHead(file: EvidenceJson, over = SIZE, lies: HeadLies = {}, log = told.log): EvidenceJson {
  return { ...file, head: headFor(log, file, { size: over, lies }) };
}

function sessionOf({ envelope }: EvidenceJson['entries'][number]): string {
  return decodeStatement(envelope.payloadType, Buffer.from(envelope.payload, 'base64')).session;
}

const lastOf = (session: string) => told.evidence().entries.findLastIndex((e) => sessionOf(e) === session);

describe('a head in the file', () => {
  it('shows the last statement of a session dropped, which nothing else does', () => {
    for (const session of ['s1', 's2']) {
      const whole = withHead(told.evidence());
      const dropped = { ...whole, entries: whole.entries.toSpliced(lastOf(session), 1) };
      const { head: _, ...without } = dropped;
      expect(wrong(without)).toEqual([]);
      expect(wrong(dropped)).toEqual([`HEAD ${session}/${seqBefore(session)}`]);
    }
  });

  it('shows it in a file with one session alone, of which it tells nothing of the other', () => {
    const one = told.evidence({ keep: (index) => sessionOf(entryAt(index)) === 's1' });
    const file = withHead({ ...one, bundles: told.bundles as JsonValue[] });
    expect(check(file)).toMatchObject({
      failures: [],
      head: { logSize: SIZE, sessions: 1, whole: false, newer: 0 },
    });
    const dropped = { ...file, entries: file.entries.slice(0, -1) };
    expect(wrong(dropped)).toEqual([`HEAD s1/${seqBefore('s1')}`]);
  });

  it('shows any number of statements dropped from the end of any session', () => {
    fc.assert(
      fc.property(fc.constantFrom('s1', 's2'), fc.integer({ min: 1, max: 4 }), (session, count) => {
        const whole = withHead(told.evidence());
        const its = whole.entries.filter((entry) => sessionOf(entry) === session);
        const gone = new Set(its.slice(-count));
        const dropped = { ...whole, entries: whole.entries.filter((entry) => !gone.has(entry)) };
        expect(wrong(dropped).some((failure) => failure.startsWith(`HEAD ${session}/`))).toBe(true);
      }),
      { numRuns: 12 },
    );
  });

  it('shows a whole session that the log lost before it was signed', () => {
    const file = told.evidence();
    const missing = withHead(file, SIZE, { ends: (ends) => [...ends, STRANGER] });
    expect(wrong(missing)).toEqual(['HEAD']);
    expect(check(missing).failures[0]?.message).toBe(
      'expected the 3 sessions that the head counts, came 2: a whole session is missing',
    );
    const swapped = withHead(file, SIZE, { ends: ([first]) => [first ?? STRANGER, STRANGER] });
    expect(wrong(swapped)).toContain('HEAD');
    const fewer = withHead(file, SIZE, { ends: (ends) => ends.slice(0, 1) });
    expect(wrong(fewer)).toContain('HEAD');
  });

  it('shows a log that was put back to an earlier state', () => {
    const earlier = told.evidence({ size: SIZE - 3 });
    const { failures } = check({ ...earlier, head: withHead(told.evidence()).head as never });
    expect(failures.map(({ message }) => message)).toContainEqual(
      `expected the ${SIZE} entries that the log had at 2026-01-01T01:00:00.000Z, came a checkpoint over ${SIZE - 3}`,
    );
  });

  it('of another writer proves nothing here, though its key is trusted', () => {
    const other = new TestLog();
    const bundle = deskBundle();
    for (const [id, tenant] of [
      ['s1', 'acme'],
      ['s2', 'globex'],
    ] as const)
      new TestSession(other, bundle, id, { tenant }).call('read_ticket', { id: 1 });
    const theirs = headFor(other, other.export([jsonOf(bundle)]));
    const failures = wrong({ ...told.evidence(), head: theirs });
    expect(failures.length).toBeGreaterThan(0);
    expect(failures.every((failure) => failure.startsWith('HEAD'))).toBe(true);
  });

  it('that was tampered with, or is signed by nobody who is trusted, is named', () => {
    const file = told.evidence();
    const stranger = { keyid: 'evidence.two', sign: testKey('somebody').sign };
    expect(wrong(withHead(file, SIZE, { signer: stranger }))).toEqual(['ENVELOPE_UNKNOWN_KEY']);
    const forged = { keyid: SIGNER.keyid, sign: testKey('somebody').sign };
    expect(wrong(withHead(file, SIZE, { signer: forged }))).toEqual(['ENVELOPE_SIGNATURE']);
    // The payload of another statement that the same key signed.
    const permission = { ...withHead(file).head, envelope: entryAt(1).envelope };
    expect(wrong({ ...file, head: permission as never })).toEqual(['STATEMENT']);
    for (const change of [{ count: 3 }, { root: asDigest('0'.repeat(64)) }, { log_size: SIZE + 1 }]) {
      const failures = wrong(withHead(file, SIZE, { head: (head) => ({ ...head, ...change }) }));
      expect(failures).not.toEqual([]);
      expect(failures.every((failure) => failure.startsWith('HEAD'))).toBe(true);
    }
    expect(check(withHead(file, SIZE, { signer: forged })).head).toBeNull();
  });

  it('with any changed, missing or further path is named', () => {
    const honest = withHead(told.evidence());
    const paths = honest.head?.paths ?? [];
    const having = (changed: unknown) =>
      wrong({ ...honest, head: { ...honest.head, paths: changed } as never });
    expect(having(paths.slice(1))).toContain('HEAD');
    expect(having([...paths, paths[0]])).toEqual(['HEAD']);
    expect(having([...paths].reverse())).toHaveLength(2);
    const [path] = paths;
    for (const change of [
      { in_bucket: [path?.bucket] },
      { bucket: path?.to_root[0] },
      { to_root: path?.to_root.slice(1) },
      { to_root: [...(path?.to_root ?? []), path?.bucket] },
      { index: 1 },
      { size: 2 },
      { index: -1 },
      { bucket: 'AAAA' },
      { other: 1 },
    ])
      expect(having([{ ...path, ...change }, paths[1]]), JSON.stringify(change)).not.toEqual([]);
    expect(wrong({ ...honest, head: null as never })).toEqual(['FORMAT']);
  });

  it('every change of a byte of it is named', () => {
    const file = withHead(told.evidence());
    const bytes = bytesOf(file);
    const from = Buffer.from(bytes).indexOf('"head":');
    fc.assert(
      fc.property(
        fc.integer({ min: from, max: bytes.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, flip) => {
          const changed = Uint8Array.from(bytes);
          changed[at] = (changed[at] as number) ^ flip;
          expect(wrong(changed)).not.toEqual([]);
        },
      ),
      { numRuns: 80 },
    );
  });

  it('says as of when, and what is newer; to be demanded over all of the file', () => {
    const file = told.evidence();
    const whole = check(withHead(file), { require: ['head', 'complete'] });
    expect(whole.failures).toEqual([]);
    expect(whole.head).toEqual({
      at: '2026-01-01T01:00:00.000Z',
      logSize: SIZE,
      sessions: 2,
      whole: true,
      newer: 0,
    });
    for (const over of [0, 1, 5, SIZE - 1]) {
      const earlier = withHead(file, over);
      expect(check(earlier)).toMatchObject({ failures: [], head: { logSize: over, newer: SIZE - over } });
      expect(wrong(earlier, { require: ['head'] })).toEqual(['REQUIREMENT']);
    }
    expect(wrong(file, { require: ['head'] })).toEqual(['REQUIREMENT']);
  });
});

function entryAt(index: number): EvidenceJson['entries'][number] {
  return told.evidence().entries[index] as EvidenceJson['entries'][number];
}

/** Of the statement before the last one of a session. */
function seqBefore(session: string): number {
  return told.evidence().entries.filter((entry) => sessionOf(entry) === session).length - 2;
}
