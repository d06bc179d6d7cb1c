import { asToolName } from '@provability-fabric/kernel';
import type { Compilation } from './compilation.ts';

const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/** Names that the bundle declares itself: keys are free in a map, so they are checked here. */
export function checkNames({ document, locations, found }: Compilation): void {
  const refuse = (section: string, name: string, expected: string) =>
    found.error('WRONG_VALUE', locations.key(section, name), {
      message: `expected ${expected}, came \`${name.slice(0, 60)}\``,
      mend: 'rename it',
    });
  for (const section of ['constants', 'stores'] as const) {
    for (const name of Object.keys(document[section])) {
      if (!NAME.test(name)) refuse(section, name, 'a name of 1 to 64 characters out of A-Z a-z 0-9 . _ -');
    }
  }
  for (const name of Object.keys(document.tools)) {
    if (name !== '*' && !isToolName(name)) {
      refuse('tools', name, 'a tool name of 1 to 128 characters out of A-Z a-z 0-9 . _ : @ / + -, or `*`');
    }
  }
}

function isToolName(name: string): boolean {
  try {
    asToolName(name);
    return true;
  } catch {
    return false;
  }
}
