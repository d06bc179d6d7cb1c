import { parseJson } from '@provability-fabric/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cedarValueFromArguments } from './arguments.ts';
import type { CedarType } from './types.ts';
import type { CedarRecord, CedarValue } from './values.ts';

const read = (json: string, type?: CedarType): CedarValue => cedarValueFromArguments(parseJson(json), type);
const kind = (value: CedarValue): string => (typeof value === 'object' ? value.kind : typeof value);

describe('tool arguments', () => {
  it('cannot name entities or call functions', () => {
    expect(kind(read('{"__entity":{"type":"User","id":"root"}}'))).toBe('record');
    expect(kind(read('{"__extn":{"fn":"ip","arg":"127.0.0.1"}}'))).toBe('record');
  });

  it('that Cedar has no value for are kept as such', () => {
    for (const json of [
      'null',
      '0.12345',
      '1e-7',
      '9223372036854775808',
      '1e300',
      '[1,null]',
      '[{"a":[null]}]',
    ]) {
      expect(kind(read(json)), json).toBe('unrepresentable');
    }
    // A double from 2^53 on no longer says which integer was meant.
    expect(kind(cedarValueFromArguments(2 ** 53))).toBe('unrepresentable');
    expect(kind(read(`${'['.repeat(200)}${']'.repeat(200)}`))).toBe('unrepresentable');
  });

  it('keep every digit of an integer of 64 bits', () => {
    expect(read('9223372036854775807')).toBe(9223372036854775807n);
    expect(read('-9223372036854775808')).toBe(-9223372036854775808n);
    expect(read('9007199254740993')).toBe(9007199254740993n);
    expect(read('-0')).toBe(0n);
    expect(read('1.0')).toBe(1n);
  });

  it('become decimals with up to four digits after the point', () => {
    expect(read('12.34')).toMatchObject({ kind: 'decimal', value: 123400n });
    expect(read('-0.5')).toMatchObject({ kind: 'decimal', value: -5000n });
  });

  it('are read as the schema promises, where they can be', () => {
    expect(read('100', { kind: 'decimal' })).toMatchObject({ kind: 'decimal', value: 1_000_000n });
    expect(read('"10.0.0.0/8"', { kind: 'ipaddr' })).toMatchObject({ kind: 'ipaddr', prefix: 8 });
    expect(kind(read('"tomorrow"', { kind: 'datetime' }))).toBe('unrepresentable');
    expect(read('"1h"')).toBe('1h');
    expect(kind(read('[1, 2.5]', { kind: 'set', element: { kind: 'decimal' } }))).toBe('set');
  });

  it('of any JSON are converted without an exception', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        const value = cedarValueFromArguments({ json } as never) as CedarRecord;
        expect(value.fields.has('json')).toBe(true);
      }),
    );
  });
});
