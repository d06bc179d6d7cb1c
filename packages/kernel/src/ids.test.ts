import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../test/node-crypto.ts';
import {
  asCertificateId,
  asClauseId,
  asDigest,
  asPrincipalId,
  asSessionId,
  asTenantId,
  asToolName,
  digestJson,
  digestOf,
  IdError,
  parseJson,
  utf8,
} from './index.ts';

describe('identifiers', () => {
  const named = [asTenantId, asSessionId, asPrincipalId, asCertificateId, asToolName];

  test('what could be mistaken, escape a path check or break a log line is refused', () => {
    const bad = [
      '',
      ' ',
      'a b',
      'a\n',
      '\u0000',
      'a"',
      "a'",
      'tenant\u00e9',
      'а',
      'a\u200b',
      'a%',
      'a'.repeat(129),
      'a\\b',
    ];
    for (const text of bad) {
      for (const read of [...named, asClauseId])
        expect(() => read(text), JSON.stringify(text)).toThrow(IdError);
    }
    for (const text of ['a/b', 'a:b', 'a@b', 'a+b']) expect(() => asClauseId(text)).toThrow(IdError);
  });

  test('the message says what is wrong and never repeats the text', () => {
    expect(() => asTenantId('sk-secret token')).toThrow('expected a tenant id of 1 to 128 characters');
    expect(() => asTenantId('sk-secret token')).toThrow('`U+0020` at position 9');
    expect(() => asTenantId('sk-secret token')).not.toThrow('sk-secret');
    expect(() => asTenantId('x'.repeat(200))).toThrow('got `200` characters');
  });

  test('usual names pass unchanged', () => {
    for (const text of [
      'acme',
      'agent-1',
      'urn:pf:1',
      'a@b.example',
      'fs/read_file',
      'x+y',
      'a'.repeat(128),
    ]) {
      for (const read of named) expect(read(text)).toBe(text);
    }
    expect(asClauseId('no-exfiltration.v2_a')).toBe('no-exfiltration.v2_a');
  });
});

describe('digests', () => {
  test('only 64 lowercase hex digits are one', () => {
    for (const text of [
      '',
      'a'.repeat(63),
      'a'.repeat(65),
      'A'.repeat(64),
      'g'.repeat(64),
      `${'a'.repeat(64)}\n`,
    ]) {
      expect(() => asDigest(text)).toThrow(IdError);
    }
    expect(asDigest('a'.repeat(64))).toBe('a'.repeat(64));
  });

  test('equal values have equal digests, however they were written', () => {
    expect(digestOf(nodeCrypto, utf8('abc'))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    expect(digestJson(nodeCrypto, parseJson('{"b":1.0,"a":[]}'))).toBe(
      digestOf(nodeCrypto, utf8('{"a":[],"b":1}')),
    );
  });
});
