import { parsePointer } from '@provability-fabric/kernel';
import type { Compilation } from './compilation.ts';
import type { Place } from './diagnostics.ts';
import { show } from './shape/read-shape.ts';

/** A name or JSON pointer as a pointer; what is neither is refused. */
export function compilePointer(written: string, what: string, place: Place, { found }: Compilation): string {
  const pointer = written.startsWith('/')
    ? written
    : `/${written.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  if (!isPointer(pointer) || pointer === '/') {
    found.error('WRONG_VALUE', place, {
      message: `expected ${what} or a JSON pointer, came \`${show(written)}\``,
      mend: 'write `path`, or `/paths/*` for every element; `~` and `/` in a name are `~0` and `~1`',
    });
  }
  return pointer;
}

function isPointer(text: string): boolean {
  try {
    parsePointer(text);
    return true;
  } catch {
    return false;
  }
}
