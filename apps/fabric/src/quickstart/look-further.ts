import { relative } from 'node:path';
import { say, title } from './narration.ts';

/** What to type next in the checkout: why this one was refused, and all that is on record. */
export function lookFurther(checkout: string, data: string, refused: string): void {
  const inside = relative(checkout, data);
  const folder = inside.startsWith('..') ? data : inside;
  title('To look further: why that was refused and what would let it through, and all that is on record');
  say(`  ./pfctl explain '${refused}' --data ${folder}\n  ./pfctl certs list --data ${folder}`);
}
