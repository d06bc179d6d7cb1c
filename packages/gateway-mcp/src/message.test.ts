import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idKey, readMessage } from './message.ts';

const read = (text: string) => readMessage(Buffer.from(text));

describe('readMessage', () => {
  it('refuses what two readers could take for two messages', () => {
    const refused: [string, string][] = [
      ['{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping"}', 'JSON_DUPLICATE_KEY'],
      ['{"jsonrpc":"2.0","id":1,"method":"tools/call","\\u006dethod":"ping"}', 'JSON_DUPLICATE_KEY'],
      ['{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}', 'NOT_A_MESSAGE'],
      ['{"jsonrpc":"2.0","id":1,"method":"ping","paramſ":{}}', 'NOT_A_MESSAGE'],
      ['{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}', 'NOT_A_MESSAGE'],
      ['{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0"}', 'JSON_SYNTAX'],
      [
        '{"jsonrpc":"2.0","id":1,"method":"ping","params":\r{"id":2,"method":"tools/call"}\r}',
        'CARRIAGE_RETURN',
      ],
      ['\r{"jsonrpc":"2.0","id":1,"method":"ping"}', 'CARRIAGE_RETURN'],
      ['\ufeff{"jsonrpc":"2.0","id":1,"method":"ping"}', 'JSON_UTF8'],
      ['[{"jsonrpc":"2.0","id":1,"method":"ping"}]', 'BATCH'],
      [`{"jsonrpc":"2.0","id":1,"method":"ping","params":${'['.repeat(1000)}`, 'JSON_DEPTH'],
    ];
    for (const [text, code] of refused) expect(read(text), text).toMatchObject({ kind: 'malformed', code });
  });

  it('refuses everything that is not exactly one kind of JSON-RPC 2.0 message', () => {
    for (const text of [
      'null',
      '"ping"',
      '{}',
      '{"id":1,"method":"ping"}',
      '{"jsonrpc":"1.0","id":1,"method":"ping"}',
      '{"jsonrpc":2.0,"id":1,"method":"ping"}',
      '{"jsonrpc":"2.0","id":1,"method":7}',
      '{"jsonrpc":"2.0","id":null,"method":"ping"}',
      '{"jsonrpc":"2.0","id":1.5,"method":"ping"}',
      '{"jsonrpc":"2.0","id":[1],"method":"ping"}',
      `{"jsonrpc":"2.0","id":"${'x'.repeat(1025)}","method":"ping"}`,
      '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}',
      '{"jsonrpc":"2.0","id":1,"method":"ping","params":null}',
      '{"jsonrpc":"2.0","id":1}',
      '{"jsonrpc":"2.0","result":{}}',
      '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}',
      '{"jsonrpc":"2.0","id":1,"error":"no"}',
      '{"jsonrpc":"2.0","id":1,"result":{},"more":"unseen"}',
    ]) {
      expect(read(text), text).toMatchObject({ kind: 'malformed', code: 'NOT_A_MESSAGE' });
    }
  });

  it('says whom a malformed message concerns only where every reader would agree', () => {
    expect(read('{"jsonrpc":"2.0","id":7,"method":"ping","params":{"t":"\\ud800"}}')).toMatchObject({
      code: 'JSON_LONE_SURROGATE',
      id: 7,
      isCall: true,
    });
    expect(read('{"jsonrpc":"2.0","id":"a","result":{"n":1e999}}')).toMatchObject({
      code: 'JSON_NUMBER_RANGE',
      id: 'a',
      isCall: false,
    });
    expect(read('{"id":1,"jsonrpc":"2.0","id":2,"method":"ping"}')).toMatchObject({ id: undefined });
    expect(read('{"jsonrpc":"2.0","id":"\\udfff","method":"ping"}')).toMatchObject({ id: undefined });
  });

  it('reads requests, notifications and responses, with either line end', () => {
    expect(read('{"jsonrpc":"2.0","id":1,"method":"ping"}\r\n')).toEqual({
      kind: 'request',
      id: 1,
      key: 'n1',
      method: 'ping',
      params: undefined,
    });
    expect(read('{"jsonrpc":"2.0","method":"notifications/initialized"}\n').kind).toBe('notification');
    expect(read('{"jsonrpc":"2.0","id":"1","result":null}\n')).toMatchObject({ kind: 'response', key: 's1' });
    expect(read('{"jsonrpc":"2.0","id":null,"error":{"code":1}}')).toMatchObject({
      kind: 'response',
      key: undefined,
    });
    for (const blank of ['', '\n', '\r\n', ' \t\n']) expect(read(blank).kind).toBe('blank');
  });

  it('keeps ids apart that are different and together that are equal', () => {
    expect(idKey(1)).not.toBe(idKey('1'));
    const big = read('{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}');
    expect(big).toMatchObject({ id: 9007199254740993n, key: 'n9007199254740993' });
    for (const text of ['1e0', '1.0', '1']) {
      expect(read(`{"jsonrpc":"2.0","id":${text},"method":"ping"}`)).toMatchObject({ key: 'n1' });
    }
    expect(idKey(1e21)).toBe(idKey(10n ** 21n));
  });

  it('never throws, whatever the bytes (property)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void readMessage(Buffer.from(bytes))),
      {
        seed: 7,
      },
    );
    const seed = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":["\\ud83d\\ude00"]}}');
    fc.assert(
      fc.property(fc.nat(seed.length - 1), fc.nat(255), (at, byte) => {
        const flipped = Buffer.from(seed);
        flipped[at] = byte;
        void readMessage(flipped);
      }),
      { seed: 7 },
    );
  });
});
