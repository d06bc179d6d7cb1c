import { describe, expect, it } from 'vitest';
import { pathOf } from './ask-secrets.ts';

describe('a name in a path', () => {
  it.each(['../t2/db', 'a/../b', 'a//b', '/a', 'a/', '.', '%2e%2e/b', 'a?version=1', 'a#b', 'ünlike', ''])(
    'is refused where it could lead elsewhere: `%s`',
    (name) => {
      expect(() => pathOf(name)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
    },
  );

  it('stands as it is otherwise', () => {
    expect(pathOf('db/primary.v2_x-1')).toBe('db/primary.v2_x-1');
  });
});
