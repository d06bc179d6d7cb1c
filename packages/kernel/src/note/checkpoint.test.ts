import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { flips } from '../../test/flip.ts';
import { newKey, nodeCrypto } from '../../test/node-crypto.ts';
import {
  base64,
  CheckpointError,
  formatCheckpoint,
  fromUtf8,
  noteVerifier,
  openNote,
  parseCheckpoint,
  signNote,
  utf8,
} from '../index.ts';

const root = new Uint8Array(32).fill(7);
const text = `log.example/acme\n42\n${base64(root)}\n`;

describe('checkpoints', () => {
  test('any flipped bit of a signed checkpoint fails', () => {
    const key = newKey();
    const verifier = noteVerifier(nodeCrypto, 'log.example/acme', key.publicKey);
    const note = signNote(text, [{ name: verifier.name, keyHash: verifier.keyHash, sign: key.sign }]);
    expect(parseCheckpoint(openNote(nodeCrypto, note, [verifier]).text).size).toBe(42);
    for (const changed of flips(utf8(note))) {
      expect(() => parseCheckpoint(openNote(nodeCrypto, fromUtf8(changed), [verifier]).text)).toThrow();
    }
  });

  test('a second spelling, a missing line or an impossible value is refused', () => {
    for (const bad of [
      '',
      '\n',
      text.slice(0, -1),
      text.replace('42', '042'),
      text.replace('42', '+42'),
      text.replace('42', '-1'),
      text.replace('42', '4e1'),
      text.replace('42', ' 42'),
      text.replace('42', ''),
      text.replace('42', '9007199254740992'),
      text.replace('42', '99999999999999999999'),
      text.replace('log.example/acme', ''),
      text.replace(base64(root), base64(root.subarray(1))),
      text.replace(base64(root), base64(root).replace('=', '')),
      text.replace('\n42', '\r\n42'),
      'origin\n42\n',
      `${text}\n`,
      `${text}\nextension\n`,
      `${text}ext\tension\n`,
    ]) {
      expect(() => parseCheckpoint(bad), JSON.stringify(bad)).toThrow(CheckpointError);
    }
  });

  test('what cannot be read back is not written', () => {
    const checkpoint = { origin: 'log', size: 1, root, extensions: [] };
    for (const bad of [
      { ...checkpoint, origin: '' },
      { ...checkpoint, origin: 'a\nb' },
      { ...checkpoint, size: -1 },
      { ...checkpoint, size: 1.5 },
      { ...checkpoint, size: 2 ** 53 },
      { ...checkpoint, root: new Uint8Array(31) },
      { ...checkpoint, extensions: [''] },
      { ...checkpoint, extensions: ['a\nb'] },
      { ...checkpoint, extensions: ['\ud800'] },
    ]) {
      expect(() => formatCheckpoint(bad)).toThrow(CheckpointError);
    }
  });

  test('reading undoes writing', () => {
    const line = fc.string({ minLength: 1 }).map((value) => value.replaceAll(/[^ -~]/g, 'x'));
    fc.assert(
      fc.property(
        line,
        fc.maxSafeInteger().map(Math.abs),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.array(line, { maxLength: 3 }),
        (origin, size, root, extensions) => {
          const checkpoint = { origin, size, root, extensions };
          expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint);
        },
      ),
    );
    expect(formatCheckpoint({ origin: 'log.example/acme', size: 42, root, extensions: [] })).toBe(text);
  });
});
