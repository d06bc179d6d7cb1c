import { type Anchor, AXES, type Axis, type ScopeTest } from './scope.ts';
import { findEntity, type Situation } from './situation.ts';

/** Receives the position of a policy; for one filed under several actions possibly more than once. */
type Visit = (position: number) => void;

/**
 * Finds the policies whose scope can match a request by hash look-ups, however many there are. Every policy is filed
 * under that line of its scope which the fewest policies share; where no line restricts it, it is always visited.
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
      for (const anchor of test.anchors)
        shared.set(label(test, anchor), (shared.get(label(test, anchor)) ?? 0) + 1);
    }
    const crowd = (test: ScopeTest): number =>
      test.anchors.reduce((sum, anchor) => sum + (shared.get(label(test, anchor)) ?? 0), 0);
    for (const [position, scope] of scopes.entries()) {
      const [rarest] = scope.map((test) => ({ test, size: crowd(test) })).sort((a, b) => a.size - b.size);
      if (!rarest) this.unscoped.push(position);
      else for (const anchor of rarest.test.anchors) this.shelves[rarest.test.axis].file(anchor, position);
    }
  }

  candidates(situation: Situation, visit: Visit): void {
    for (const position of this.unscoped) visit(position);
    for (const axis of AXES) this.shelves[axis].find(situation, axis, visit);
  }
}

function label({ axis }: ScopeTest, { relation, key }: Anchor): string {
  return `${axis} ${relation} ${key}`;
}

type Files = Map<string, number[]>;

class Shelf {
  private readonly equals: Files = new Map();
  private readonly in: Files = new Map();
  private readonly is: Files = new Map();

  file({ relation, key }: Anchor, position: number): void {
    const files = this[relation];
    const file = files.get(key);
    if (file) file.push(position);
    else files.set(key, [position]);
  }

  find(situation: Situation, axis: Axis, visit: Visit): void {
    const uid = situation[axis];
    if (this.equals.size > 0) open(this.equals.get(uid.key), visit);
    if (this.is.size > 0) open(this.is.get(uid.type), visit);
    if (this.in.size === 0) return;
    open(this.in.get(uid.key), visit);
    const ancestors = findEntity(situation, uid.key)?.ancestors;
    if (!ancestors) return;
    // Along the shorter of the two: a deep hierarchy must not cost more than the files there are.
    if (ancestors.size <= this.in.size) {
      for (const key of ancestors) open(this.in.get(key), visit);
    } else {
      for (const [key, file] of this.in) if (ancestors.has(key)) open(file, visit);
    }
  }
}

function open(file: readonly number[] | undefined, visit: Visit): void {
  if (file) for (const position of file) visit(position);
}
