import type { Clause, EventClass } from '@provability-fabric/policy';
import type { Compilation } from '../compilation.ts';

/** Names and values that the classes of one clause may list, and those of all together. */
const MAX_IN_CLAUSE = 1000;
const MAX_IN_BUNDLE = 200_000;

/** A set of constants stands in every class that asks for it, so a small text could make a bundle that nobody can hold. */
export function checkClassSizes(
  clauses: readonly Clause[],
  { document, locations, found }: Compilation,
): void {
  let sum = 0;
  for (const clause of clauses) {
    const size = classesOf(clause).reduce((total, on) => total + sizeOf(on), 0);
    const before = sum;
    sum += size;
    const tooMany = size > MAX_IN_CLAUSE || (sum > MAX_IN_BUNDLE && before <= MAX_IN_BUNDLE);
    if (!tooMany) continue;
    const index = document.clauses.findIndex(({ id }) => id === clause.id);
    const [most, where, came] =
      size > MAX_IN_CLAUSE
        ? [MAX_IN_CLAUSE, 'a clause', size]
        : [MAX_IN_BUNDLE, 'the classes of all clauses', sum];
    found.error('TOO_MANY', locations.value('clauses', index), {
      clause: clause.id,
      message: `expected at most ${most} names and values in ${where}, came \`${came}\``,
      mend: 'say with effects or patterns what many names say, or let Cedar hold the list',
    });
  }
}

function classesOf(clause: Clause): readonly EventClass[] {
  if (clause.kind === 'trace') return Object.values(clause.pattern).filter(isClass);
  return 'on' in clause ? [clause.on] : [];
}

function isClass(member: unknown): member is EventClass {
  return typeof member === 'object' && member !== null;
}

function sizeOf({ tools, effects, label, args, principal }: EventClass): number {
  const inArgs = Object.values(args ?? {}).map(({ equals, matches }) => 1 + length(equals) + length(matches));
  return (
    length(tools) +
    length(effects) +
    length(label?.holds) +
    length(principal?.ids) +
    length(principal?.roles) +
    inArgs.reduce((sum, each) => sum + each, 0)
  );
}

function length(list: readonly unknown[] | null | undefined): number {
  return list?.length ?? 0;
}
