import { describe, expect, it } from 'vitest';
import { loadProviderService } from './service-descriptor.ts';

const { service } = loadProviderService();

describe('the wire format', () => {
  it('has the paths that the driver calls', () => {
    expect(Object.values(service).map(({ path }) => path)).toEqual([
      '/v1alpha1.CSIDriverProvider/Version',
      '/v1alpha1.CSIDriverProvider/Mount',
    ]);
  });

  it('reads a mount request by the numbers of service.proto', () => {
    const bytes = Buffer.from([
      ...field(1, '{}'),
      ...field(2, 's'),
      ...field(3, '/t'),
      ...field(4, '420'),
      ...field(5, [...field(1, 'id'), ...field(2, 'v1')]),
    ]);
    expect(service.Mount?.requestDeserialize(bytes)).toEqual({
      attributes: '{}',
      secrets: 's',
      targetPath: '/t',
      permission: '420',
      currentObjectVersion: [{ id: 'id', version: 'v1' }],
    });
  });

  it('writes its answers by the numbers of service.proto', () => {
    const response = {
      objectVersion: [{ id: 'id', version: 'v1' }],
      error: { code: 'E' },
      files: [{ path: 'p', mode: 0o644, contents: Buffer.from('c') }],
    };
    const file = [...field(1, 'p'), 0x10, 0xa4, 0x03, ...field(3, 'c')];
    expect([...(service.Mount?.responseSerialize(response) ?? [])]).toEqual([
      ...field(1, [...field(1, 'id'), ...field(2, 'v1')]),
      ...field(2, field(1, 'E')),
      ...field(3, file),
    ]);
    const version = { version: 'a', runtimeName: 'b', runtimeVersion: 'c' };
    expect([...(service.Version?.responseSerialize(version) ?? [])]).toEqual([
      ...field(1, 'a'),
      ...field(2, 'b'),
      ...field(3, 'c'),
    ]);
  });
});

/** A length-delimited field: its number and wire type 2, its length, its content. */
function field(number: number, content: string | readonly number[]): number[] {
  const bytes = typeof content === 'string' ? [...Buffer.from(content)] : content;
  return [(number << 3) | 2, bytes.length, ...bytes];
}
