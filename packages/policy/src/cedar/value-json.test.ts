import { parseJson } from '@provability-fabric/kernel';
import { describe, expect, it } from 'vitest';
import { entitiesFromJson } from './entities-json.ts';
import { cedarTypes } from './types.ts';
import { cedarValueFromJson } from './value-json.ts';
import { entityUid } from './values.ts';

const read = (json: string, type?: Parameters<typeof cedarValueFromJson>[1]) =>
  cedarValueFromJson(parseJson(json), type);

describe('Cedar’s JSON form of values', () => {
  it('refuses what has no value or is not of its type, without repeating it', () => {
    for (const json of [
      'null',
      '1.5',
      '9223372036854775808',
      '{"__extn":{"fn":"nope","arg":"1"}}',
      '{"__entity":1}',
    ]) {
      expect(() => read(json), json).toThrow(/expected/);
    }
    expect(() => read('"s3cret"', { kind: 'long' })).toThrow(/^expected a Cedar long, got `string`$/);
    expect(() => read('1', { kind: 'string' })).toThrow(/string/);
    expect(() => read('{"type":"B","id":"x"}', { kind: 'entity', type: 'A' })).toThrow(/type A/);
    expect(() => read('{"extra":1}', { kind: 'record', attributes: new Map() })).toThrow(
      /without the attribute/,
    );
    expect(() => read('"1.2.3"', { kind: 'ipaddr' })).toThrow(/IP address/);
  });

  it('reads escapes anywhere and implicit forms where the type says so', () => {
    expect(read('{"__entity":{"type":"A","id":"x"}}')).toEqual(entityUid('A', 'x'));
    expect(read('{"type":"A","id":"x"}', { kind: 'entity', type: 'A' })).toEqual(entityUid('A', 'x'));
    expect(read('{"type":"A","id":"x"}')).toMatchObject({ kind: 'record' });
    expect(read('"1.5"', { kind: 'decimal' })).toMatchObject({ value: 15_000n });
    expect(read('{"fn":"decimal","arg":"1.5"}', { kind: 'decimal' })).toMatchObject({ value: 15_000n });
    const offset =
      '{"__extn":{"fn":"offset","args":[{"__extn":{"fn":"datetime","arg":"1970-01-01"}},{"fn":"duration","arg":"5ms"}]}}';
    expect(read(offset)).toMatchObject({ kind: 'datetime', value: 5n });
  });
});

describe('the types of a schema', () => {
  const types = cedarTypes({
    commonTypes: [{ name: 'T', type: { kind: 'set', element: { kind: 'decimal' } } }],
    entityTypes: [
      {
        name: 'A',
        attributes: {
          kind: 'record',
          attributes: [{ name: 't', required: true, type: { kind: 'common', name: 'T' } }],
        },
        tags: { kind: 'ipaddr' },
      },
    ],
    actions: [],
  });

  it('direct the reading of attributes and tags', () => {
    const [entity] = entitiesFromJson(
      parseJson(
        '[{"uid":{"type":"A","id":"1"},"attrs":{"t":["1.5"]},"parents":[],"tags":{"__proto__":"::1"}}]',
      ),
      types,
    );
    expect(entity?.attributes?.get('t')).toMatchObject({ items: [{ kind: 'decimal' }] });
    expect(entity?.tags?.get('__proto__')).toMatchObject({ kind: 'ipaddr' });
    expect(() => entitiesFromJson(parseJson('[{"uid":{"type":"A","id":"1"},"attrs":{}}]'), types)).toThrow(
      /`t`/,
    );
  });

  it('must be declared, and not within themselves', () => {
    const schema = (name: string) => ({
      commonTypes: [{ name: 'T', type: { kind: 'set', element: { kind: 'common', name } } as const }],
      entityTypes: [{ name: 'A', attributes: { kind: 'common', name: 'T' } as const, tags: null }],
      actions: [],
    });
    expect(() => cedarTypes(schema('U'))).toThrow(/`U`/);
    expect(() => cedarTypes(schema('T'))).toThrow(/contains itself/);
  });
});
