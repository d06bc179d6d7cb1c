import type { Anchor, ScopeTest } from './scope.ts';
import { AXES, type Axis, type Situation } from './situation.ts';

/** Receives the position of a policy; of one filed under several actions possibly more than once. */
type Visit = (position: number) => void;

/** A policy in a file, with what its being there does not tell yet. */
interface Filed {
  readonly position: number;
  readonly rest: readonly ScopeTest[];
}

/**
 * Finds the policies whose scope matches a request by hash look-ups, however many there are. Every policy is
 * filed under that line of its scope which the fewest policies share; one without any such line is always
 * visited.
 */
export class ScopeIndex {
  private readonly unscoped: number[] = [];
  private readonly shelves: Readonly<Record<Axis, Shelf>> = {
    principal: new Shelf(),
    action: new Shelf(),
    resource: new Shelf(),
  };

  constructor(scopes: readonly (readonly ScopeTest[])[]) {
    const shared = new Map<string, number>();
    for (const test of scopes.flat()) {
      for (const anchor of test.anchors) {
        shared.set(label(test, anchor), (shared.get(label(test, anchor)) ?? 0) + 1);
      }
    }
    const crowd = (test: ScopeTest): number =>
      test.anchors.reduce((sum, anchor) => sum + (shared.get(label(test, anchor)) ?? 0), 0);
    for (const [position, scope] of scopes.entries()) {
      const [rarest] = [...scope].sort((a, b) => crowd(a) - crowd(b));
      if (!rarest) {
        this.unscoped.push(position);
        continue;
      }
      const rest = scope.filter((test) => test !== rarest || !test.anchored);
      for (const anchor of rarest.anchors) this.shelves[rarest.axis].file(anchor, { position, rest });
    }
  }

  matching(situation: Situation, visit: Visit): void {
    for (const position of this.unscoped) visit(position);
    for (const axis of AXES) this.shelves[axis].matching(situation, axis, visit);
  }
}

function label({ axis }: ScopeTest, { relation, key }: Anchor): string {
  return `${axis} ${relation} ${key}`;
}

type Files = Map<string, Filed[]>;

class Shelf {
  private readonly equals: Files = new Map();
  private readonly in: Files = new Map();
  private readonly is: Files = new Map();

  file({ relation, key }: Anchor, filed: Filed): void {
    const files = this[relation];
    const file = files.get(key);
    if (file) file.push(filed);
    else files.set(key, [filed]);
  }

  matching(situation: Situation, axis: Axis, visit: Visit): void {
    const uid = situation[axis];
    if (this.equals.size > 0) open(this.equals.get(uid.key), situation, visit);
    if (this.is.size > 0) open(this.is.get(uid.type), situation, visit);
    if (this.in.size === 0) return;
    open(this.in.get(uid.key), situation, visit);
    const ancestors = situation.ancestorsOf(axis);
    // Along the shorter of the two: a deep hierarchy must not cost more than the files there are.
    if (ancestors.size <= this.in.size) {
      for (const key of ancestors) open(this.in.get(key), situation, visit);
    } else {
      for (const [key, file] of this.in) if (ancestors.has(key)) open(file, situation, visit);
    }
  }
}

function open(file: readonly Filed[] | undefined, situation: Situation, visit: Visit): void {
  if (!file) return;
  for (const { position, rest } of file) {
    if (allMatch(rest, situation)) visit(position);
  }
}

function allMatch(tests: readonly ScopeTest[], situation: Situation): boolean {
  for (const test of tests) if (!test.matches(situation)) return false;
  return true;
}
