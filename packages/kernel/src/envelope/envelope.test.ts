import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { flips } from '../../test/flip.ts';
import { newKey, nodeCrypto } from '../../test/node-crypto.ts';
import {
  type Envelope,
  envelopeBytes,
  fromUtf8,
  hex,
  type JsonValue,
  openEnvelope,
  parseEnvelope,
  parseJsonBytes,
  preAuthEncoding,
  requireCanonical,
  sealEnvelope,
  sealedEnvelopeBytes,
  utf8,
} from '../index.ts';

const TYPE = 'application/vnd.example+json';
const payload = utf8('{"verdict":"accept"}');
const key = newKey();
const other = newKey();
const keys = new Map([['k1', key.publicKey]]);
const sealed = sealEnvelope(TYPE, payload, [{ keyid: 'k1', sign: key.sign }]);
const code = (code: string) => expect.objectContaining({ code });

describe('an envelope that was changed', () => {
  test('fails for every flipped bit, read strictly or not', () => {
    for (const changed of flips(envelopeBytes(sealed))) {
      expect(() => openEnvelope(nodeCrypto, parseEnvelope(requireCanonical(changed)), keys)).toThrow();
      expect(() => openEnvelope(nodeCrypto, parseEnvelope(parseJsonBytes(changed)), keys)).toThrow();
    }
  });

  test('fails with another type, payload or signer, each by its own code', () => {
    const open = (envelope: Envelope) => openEnvelope(nodeCrypto, envelope, keys);
    expect(() => open({ ...sealed, payloadType: 'text/plain' })).toThrow(code('ENVELOPE_BAD_SIGNATURE'));
    expect(() => open({ ...sealed, payload: 'AAAA' })).toThrow(code('ENVELOPE_BAD_SIGNATURE'));
    const forged = sealEnvelope(TYPE, payload, [{ keyid: 'k1', sign: other.sign }]);
    expect(() => open(forged)).toThrow(code('ENVELOPE_BAD_SIGNATURE'));
    const unknown = sealEnvelope(TYPE, payload, [{ keyid: 'k2', sign: other.sign }]);
    expect(() => open(unknown)).toThrow(code('ENVELOPE_UNKNOWN_KEY'));
    expect(() => open({ ...sealed, signatures: [] })).toThrow(code('ENVELOPE_MALFORMED'));
    expect(() => open({ ...sealed, payload: 'A' })).toThrow(code('ENVELOPE_MALFORMED'));
  });

  test('fails although another known signature is good', () => {
    const bad = { keyid: 'k2', sig: 'AAAA' };
    const envelope = { ...sealed, signatures: [...sealed.signatures, bad] };
    const both = new Map([...keys, ['k2', other.publicKey]]);
    expect(() => openEnvelope(nodeCrypto, envelope, both)).toThrow(code('ENVELOPE_BAD_SIGNATURE'));
    expect(openEnvelope(nodeCrypto, envelope, keys).keyid).toBe('k1');
  });
});

describe('reading', () => {
  test('unknown, missing and mistyped fields are refused', () => {
    const value = parseJsonBytes(envelopeBytes(sealed)) as Record<string, JsonValue>;
    const signature = (value.signatures as readonly JsonValue[])[0] as Record<string, JsonValue>;
    for (const bad of [
      null,
      [],
      'text',
      {},
      { ...value, extra: 1 },
      { payload: 'AAAA', payloadType: 'x' },
      { ...value, payload: 7 },
      { ...value, payload: 'AA' },
      { ...value, payload: 'AB==' },
      { ...value, payloadType: null },
      { ...value, signatures: {} },
      { ...value, signatures: [] },
      { ...value, signatures: [null] },
      { ...value, signatures: [{ ...signature, cert: 'x' }] },
      { ...value, signatures: [{ sig: 'AAAA' }] },
      { ...value, signatures: [{ ...signature, sig: '*' }] },
      { ...value, signatures: Array.from({ length: 65 }, () => signature) },
    ] as JsonValue[]) {
      expect(() => parseEnvelope(bad), JSON.stringify(bad)).toThrow(code('ENVELOPE_MALFORMED'));
    }
  });

  test('undoes writing', () => {
    const envelope = parseEnvelope(requireCanonical(envelopeBytes(sealed)));
    expect(envelope).toEqual(sealed);
    const opened = openEnvelope(nodeCrypto, envelope, keys);
    expect(fromUtf8(opened.payload)).toBe('{"verdict":"accept"}');
    expect(opened.keyid).toBe('k1');
  });

  test('has the same bytes in one pass, for payloads and names of any kind', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), fc.string(), (bytes, type, keyid) => {
        const signers = [
          { keyid, sign: key.sign },
          { keyid: 'k2', sign: other.sign },
        ];
        expect(sealedEnvelopeBytes(type, bytes, signers)).toEqual(
          envelopeBytes(sealEnvelope(type, bytes, signers)),
        );
      }),
    );
  });
});

describe('pre-authentication encoding', () => {
  test('is the one of the DSSE specification', () => {
    expect(fromUtf8(preAuthEncoding('http://example.com/HelloWorld', utf8('hello world')))).toBe(
      'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
    );
  });

  test('counts bytes, and no two pairs share one', () => {
    expect(fromUtf8(preAuthEncoding('é', utf8('€')))).toBe('DSSEv1 2 é 3 €');
    expect(hex(preAuthEncoding('a', utf8('b 1 c')))).not.toBe(hex(preAuthEncoding('a 5 b', utf8('c'))));
  });
});
