import {
  type Checkpoint,
  formatCheckpoint,
  openNote,
  parseCheckpoint,
  signNote,
} from '@provability-fabric/kernel';
import { describe, expect, it } from 'vitest';
import { crypto, deskBundle } from './bundle.fixture.ts';
import { KEYS, LOG_KEY, ORIGIN, TestLog, testKey } from './log.fixture.ts';
import { TestSession } from './session.fixture.ts';
import { story } from './story.fixture.ts';
import { check, wrong } from './verification.fixture.ts';

const told = story();
const size = told.log.entries.length;

function opened(note: string): Checkpoint {
  return parseCheckpoint(openNote(crypto, note, KEYS.logs).text);
}

describe('the checkpoint', () => {
  const withCheckpoint = (checkpoint: string) => wrong({ ...told.evidence(), checkpoint });
  const note = told.log.checkpoint();

  it('cut short is malformed', () => {
    for (const length of [0, 1, 20, note.length - 1]) {
      expect(withCheckpoint(note.slice(0, length))).toEqual(['CHECKPOINT_MALFORMED']);
    }
  });

  it('of other content under the old signature is refused', () => {
    expect(withCheckpoint(note.replace(`\n${size}\n`, `\n${size + 1}\n`))).toEqual(['CHECKPOINT_SIGNATURE']);
  });

  it('by an unknown key cannot be checked', () => {
    const stranger = testKey(ORIGIN, 'stranger');
    expect(withCheckpoint(told.log.checkpoint(size, [told.log.signer(stranger)]))).toEqual([
      'CHECKPOINT_UNKNOWN_KEY',
    ]);
    expect(wrong(told.evidence(), { keys: { ...KEYS, logs: [] } })).toEqual(['CHECKPOINT_UNKNOWN_KEY']);
  });

  it('signed by a trusted log for another log’s origin is refused', () => {
    const { text } = openNote(crypto, note, KEYS.logs);
    const other = text.replace(ORIGIN, 'example.net/other');
    const signer = { name: ORIGIN, keyHash: LOG_KEY.verifier.keyHash, sign: LOG_KEY.sign };
    expect(withCheckpoint(signNote(other, [signer]))).toEqual(['CHECKPOINT_SIGNATURE']);
  });

  it('that is older than an entry does not cover it', () => {
    expect(withCheckpoint(told.log.checkpoint(size - 1)).every((line) => line.startsWith('INCLUSION'))).toBe(
      true,
    );
  });

  it('by the trusted log over a text that is no checkpoint is refused', () => {
    const signer = { name: ORIGIN, keyHash: LOG_KEY.verifier.keyHash, sign: LOG_KEY.sign };
    expect(withCheckpoint(signNote(`${ORIGIN}\nnot a size\n`, [signer]))).toEqual(['CHECKPOINT_MALFORMED']);
  });

  it('may carry signatures that nobody asked for, which are counted and prove nothing', () => {
    const witness = testKey('witness.example');
    const signer = { name: 'witness.example', keyHash: witness.verifier.keyHash, sign: witness.sign };
    const checkpoint = told.log.checkpoint(size, [told.log.signer(), signer]);
    const verification = check({ ...told.evidence(), checkpoint });
    expect(verification.failures).toEqual([]);
    expect(verification.uncheckedSignatures).toBe(1);
  });
});

describe('a kept checkpoint', () => {
  const since = opened(told.log.checkpoint(7));

  it('is extended by a file that proves it', () => {
    expect(wrong(told.evidence({ since: 7 }), { since })).toEqual([]);
    expect(wrong(told.evidence(), { since: opened(told.log.checkpoint()) })).toEqual([]);
  });

  it('is not extended by a file that proves nothing, or something else', () => {
    expect(wrong(told.evidence(), { since })).toEqual(['CONSISTENCY']);
    expect(wrong(told.evidence({ since: 8 }), { since })).toEqual(['CONSISTENCY']);
  });

  it('newer than the file is refused', () => {
    const evidence = told.evidence({ size: 7, keep: (index) => index < 7 });
    expect(
      wrong({ ...evidence, bundles: [told.bundles[0] as never] }, { since: opened(told.log.checkpoint()) }),
    ).toEqual(['CONSISTENCY']);
  });

  it('of another log is refused', () => {
    expect(wrong(told.evidence({ since: 7 }), { since: { ...since, origin: 'example.net/other' } })).toEqual([
      'CONSISTENCY',
    ]);
  });

  it('shows a log that rewrote its history, whatever proof it brings', () => {
    const forked = new TestLog();
    const session = new TestSession(forked, deskBundle());
    for (let count = 0; count < 20; count += 1) session.ask('pay', { amount: count });
    for (const at of [7, forked.entries.length]) {
      const kept = opened(forked.checkpoint(at));
      expect(wrong(told.evidence({ since: 7 }), { since: kept })).toEqual(['CONSISTENCY']);
    }
    const proof = told.evidence({ since: 7 }).consistency?.proof ?? [];
    const consistency = { old_checkpoint: forked.checkpoint(7), proof };
    expect(wrong({ ...told.evidence(), consistency }, { since: opened(forked.checkpoint(7)) })).toEqual([
      'CONSISTENCY',
      'CONSISTENCY',
    ]);
    const empty = formatCheckpoint({
      origin: ORIGIN,
      size: 0,
      root: crypto.sha256(new Uint8Array()),
      extensions: [],
    });
    const old_checkpoint = signNote(empty, [told.log.signer()]);
    expect(wrong({ ...told.evidence(), consistency: { old_checkpoint, proof: [] } })).toEqual([
      'CONSISTENCY',
    ]);
  });

  it('is checked in the file also where nobody asked', () => {
    const evidence = told.evidence({ since: 7 });
    const consistency = evidence.consistency as NonNullable<typeof evidence.consistency>;
    const other = told.log.checkpoint(7, [told.log.signer(testKey(ORIGIN, 'stranger'))]);
    expect(wrong({ ...evidence, consistency: { ...consistency, old_checkpoint: other } })).toEqual([
      'CONSISTENCY',
    ]);
    expect(
      wrong({ ...evidence, consistency: { ...consistency, proof: consistency.proof.slice(1) } }),
    ).toEqual(['CONSISTENCY']);
  });
});
