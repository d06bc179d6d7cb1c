import { describe, expect, test } from 'vitest';
import {
  canonicalBytes,
  field,
  isJsonObject,
  parseJson,
  parseJsonBytes,
  parsePointer,
  readPointer,
} from '../index.ts';

describe('field', () => {
  test('finds own members only, whatever the key', () => {
    const object = parseJson('{"a":1,"__proto__":2}');
    expect(field(object, '__proto__')).toBe(2);
    expect(field(parseJson('{}'), '__proto__')).toBeUndefined();
    for (const key of ['constructor', 'toString', 'hasOwnProperty'])
      expect(field(object, key)).toBeUndefined();
    for (const other of [null, 'text', 7, 7n, true, ['a'], undefined])
      expect(field(other, 'length')).toBeUndefined();
  });

  test('isJsonObject knows arrays and null apart', () => {
    expect([{}, [], null, 'a', 1n, undefined].map(isJsonObject)).toEqual([
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('readPointer', () => {
  const document = parseJson(
    '{"a":{"b":[10,20,{"c":30}]},"":1,"x/y":2,"m~n":3,"*":4,"rows":[{"id":1},{"id":2},{"no":3}],"__proto__":5}',
  );

  test('a pointer or an index that is not exact finds nothing', () => {
    for (const pointer of [
      '/a/b/01',
      '/a/b/-',
      '/a/b/3',
      '/a/b/1e0',
      '/a/b/length',
      '/a/toString',
      '/a/b/-1',
      '//',
    ]) {
      expect(readPointer(document, pointer), pointer).toEqual([]);
    }
  });

  test('what is no pointer is refused', () => {
    for (const pointer of ['a', 'a/b', '/a~', '/~2', '/a/~x']) {
      expect(() => readPointer(document, pointer)).toThrow(expect.objectContaining({ code: 'JSON_SYNTAX' }));
    }
  });

  test('RFC 6901', () => {
    expect(readPointer(document, '')).toEqual([document]);
    expect(readPointer(document, '/')).toEqual([1]);
    expect(readPointer(document, '/x~1y')).toEqual([2]);
    expect(readPointer(document, '/m~0n')).toEqual([3]);
    expect(readPointer(document, '/a/b/0')).toEqual([10]);
    expect(readPointer(document, '/a/b/2/c')).toEqual([30]);
    expect(readPointer(document, '/__proto__')).toEqual([5]);
    expect(parsePointer('/~01/~10')).toEqual(['~1', '/0']);
  });

  test('`*` matches every element and every member', () => {
    expect(readPointer(document, '/rows/*/id')).toEqual([1, 2]);
    expect(readPointer(document, '/a/*/*')).toEqual([10, 20, { c: 30 }]);
    expect(readPointer(parseJson('7'), '/*')).toEqual([]);
  });

  test('a document and its canonical form give the same list', () => {
    const unsorted = parseJson('{"b":1,"10":2,"9":3,"a":4}');
    expect(readPointer(unsorted, '/*')).toEqual([2, 3, 4, 1]);
    expect(readPointer(parseJsonBytes(canonicalBytes(unsorted)), '/*')).toEqual([2, 3, 4, 1]);
  });
});
