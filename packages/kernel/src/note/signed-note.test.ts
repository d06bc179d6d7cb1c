import { describe, expect, test } from 'vitest';
import { flips } from '../../test/flip.ts';
import { newKey, nodeCrypto, type TestKey } from '../../test/node-crypto.ts';
import {
  formatVerifierKey,
  fromUtf8,
  NoteError,
  type NoteSigner,
  noteKeyHash,
  noteVerifier,
  openNote,
  parseVerifierKey,
  signNote,
  utf8,
} from '../index.ts';

const code = (code: string) => expect.objectContaining({ code });

function party(name: string, key: TestKey = newKey()) {
  const verifier = noteVerifier(nodeCrypto, name, key.publicKey);
  const signer: NoteSigner = { name, keyHash: verifier.keyHash, sign: key.sign };
  return { key, verifier, signer };
}

// The example of Go's note package and of the C2SP specification.
const PETER_KEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const PETER_NOTE = [
  'If you think cryptography is the answer to your problem,',
  "then you don't know what your problem is.",
  '',
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=',
  '',
].join('\n');

describe('a note that was changed', () => {
  test('fails for every flipped bit', () => {
    const log = party('log.example/1');
    const bytes = utf8(signNote('log.example/1\n42\nroot é\n', [log.signer]));
    for (const changed of flips(bytes)) {
      expect(() => openNote(nodeCrypto, fromUtf8(changed), [log.verifier])).toThrow();
    }
  });

  test('fails although another known signature is good', () => {
    const [a, b] = [party('a'), party('b')];
    const note = signNote('text\n', [a.signer, { ...b.signer, sign: () => new Uint8Array(64) }]);
    expect(() => openNote(nodeCrypto, note, [a.verifier, b.verifier])).toThrow(code('NOTE_BAD_SIGNATURE'));
    expect(openNote(nodeCrypto, note, [a.verifier]).verified).toEqual([a.verifier]);
  });

  test('fails with a signature of another length by a known key', () => {
    const a = party('a');
    for (const length of [1, 63, 65]) {
      const note = signNote('text\n', [{ ...a.signer, sign: () => new Uint8Array(length) }]);
      expect(() => openNote(nodeCrypto, note, [a.verifier])).toThrow(code('NOTE_BAD_SIGNATURE'));
    }
  });

  test('cannot take its signature along to another text', () => {
    const a = party('a');
    const note = signNote('one\n\ntwo\n', [a.signer]);
    expect(openNote(nodeCrypto, note, [a.verifier]).text).toBe('one\n\ntwo\n');
    expect(() => openNote(nodeCrypto, note.replace('one\n\n', ''), [a.verifier])).toThrow(
      code('NOTE_BAD_SIGNATURE'),
    );
  });
});

describe('a note that nobody known signed', () => {
  test('is not opened', () => {
    const [a, b] = [party('a'), party('b')];
    const note = signNote('text\n', [a.signer]);
    expect(() => openNote(nodeCrypto, note, [])).toThrow(code('NOTE_UNVERIFIED'));
    expect(() => openNote(nodeCrypto, note, [b.verifier])).toThrow(code('NOTE_UNVERIFIED'));
    const sameName = party('a');
    expect(() => openNote(nodeCrypto, note, [sameName.verifier])).toThrow(code('NOTE_UNVERIFIED'));
  });

  test('is not opened by a forger whose key has the same name and hash', () => {
    const [a, forger] = [party('a'), party('a')];
    const note = signNote('text\n', [{ ...forger.signer, keyHash: a.verifier.keyHash }]);
    expect(() => openNote(nodeCrypto, note, [a.verifier])).toThrow(code('NOTE_BAD_SIGNATURE'));
    // Trusted themselves, two keys that share name and hash are told apart by their signatures.
    const twin = { ...forger.verifier, keyHash: a.verifier.keyHash };
    expect(openNote(nodeCrypto, note, [a.verifier, twin]).verified).toEqual([twin]);
  });
});

describe('the form of a note', () => {
  test('is strict', () => {
    const a = party('a');
    const note = signNote('text\n', [a.signer]);
    const line = note.slice('text\n\n'.length);
    for (const bad of [
      '',
      'text\n',
      'text\n\n',
      note.slice(0, -1),
      `text\n${line}`,
      note.replace('— ', '- '),
      note.replace('— ', '—'),
      note.replace('— a ', '— a  '),
      note.replace('— a ', '—  a '),
      note.replace('— a ', '— a+b '),
      note.replace('— a ', '— a\u00a0b '),
      note.replace('— a ', '— a\u3000b '),
      note.replace('— a ', '— '),
      note.replace('text', 'te\tt'),
      note.replace('text', 'te\rt'),
      note.replace('text', 'te\u0000t'),
      note.replace('text', 'te\ud800t'),
      note.replace(/=\n$/, '\n'),
      `text\n\n— a AAAA\n`,
      `text\n\n${line.repeat(101)}`,
      `${'x'.repeat(1_000_000)}\n\n${line}`,
    ]) {
      expect(() => openNote(nodeCrypto, bad, [a.verifier]), JSON.stringify(bad.slice(0, 80))).toThrow(
        code('NOTE_MALFORMED'),
      );
    }
    expect(openNote(nodeCrypto, `text\n\n${line}${line}`, [a.verifier]).verified).toEqual([a.verifier]);
  });

  test('what cannot be read back is not signed', () => {
    const a = party('a');
    for (const text of ['', 'text', 'a\tb\n', 'a\r\n', '\ud800\n']) {
      expect(() => signNote(text, [a.signer])).toThrow(NoteError);
    }
    for (const name of ['', 'a b', 'a+b', 'a\n', 'a\u2003b']) {
      expect(() => signNote('text\n', [{ ...a.signer, name }])).toThrow(NoteError);
      expect(() => noteVerifier(nodeCrypto, name, a.key.publicKey)).toThrow(code('NOTE_BAD_KEY'));
    }
  });
});

describe('verifier keys', () => {
  test('weak keys, wrong hashes and other algorithms are refused', () => {
    const { verifier } = party('log.example/1');
    const text = formatVerifierKey(verifier);
    const weak = new Uint8Array(32);
    weak[0] = 1;
    const weakText = formatVerifierKey({
      name: 'weak',
      keyHash: noteKeyHash(nodeCrypto, 'weak', weak),
      publicKey: weak,
    });
    expect(() => parseVerifierKey(nodeCrypto, weakText)).toThrow('low order');
    for (const bad of [
      '',
      'name',
      'name+12345678',
      text.replace('log', 'lag'),
      text.replace(/\+[0-9a-f]{8}\+/, '+00000000+'),
      text.replace(/\+([0-9a-f]{8})\+/, '+$1aa+'),
      text.replace('+A', '+B'),
      `${text}\n`,
      text.slice(0, -4),
      weakText,
    ]) {
      expect(() => parseVerifierKey(nodeCrypto, bad), bad).toThrow(code('NOTE_BAD_KEY'));
    }
  });

  test('reading undoes writing, also for key hashes with the highest bit set', () => {
    for (let i = 0; i < 40; i++) {
      const { verifier } = party(`key-${i}`);
      const again = parseVerifierKey(nodeCrypto, formatVerifierKey(verifier));
      expect(again.keyHash).toBe(verifier.keyHash);
      expect(Buffer.from(again.publicKey).equals(verifier.publicKey)).toBe(true);
    }
  });
});

describe('other implementations', () => {
  test("the example of Go's note package opens, and its key reads back", () => {
    const peter = parseVerifierKey(nodeCrypto, PETER_KEY);
    expect(openNote(nodeCrypto, PETER_NOTE, [peter]).text).toBe(
      PETER_NOTE.slice(0, PETER_NOTE.indexOf('\n—')),
    );
    expect(formatVerifierKey(peter)).toBe(PETER_KEY);
  });

  test('several known signers are all told', () => {
    const [log, witness, stranger] = [party('log'), party('witness'), party('stranger')];
    const note = signNote('text\n', [stranger.signer, witness.signer, log.signer]);
    const { verified } = openNote(nodeCrypto, note, [log.verifier, witness.verifier]);
    expect(verified.map(({ name }) => name)).toEqual(['log', 'witness']);
  });
});
