// The lattice of CONTRACTS §2. Information may only flow upwards: to an equal or higher level, into a
// superset of compartments, and to equal or lower integrity.
import { LabelError } from '../errors.ts';

export type Level = 'public' | 'internal' | 'confidential' | 'secret';
export type Integrity = 'trusted' | 'untrusted';

export interface Label {
  readonly level: Level;
  /** Sorted by UTF-16 code units, each once. */
  readonly compartments: readonly string[];
  readonly integrity: Integrity;
}

const RANK: Readonly<Record<Level, number>> = { public: 0, internal: 1, confidential: 2, secret: 3 };
const COMPARTMENT = /^[A-Za-z0-9._:@/+-]{1,128}$/;

/** What may flow anywhere; joining it changes nothing. */
export const BOTTOM: Label = Object.freeze({
  level: 'public',
  compartments: Object.freeze([]),
  integrity: 'trusted',
});

/** A label in its one normal form, from parts in any order; throws LabelError. */
export function label(level: Level, compartments: readonly string[], integrity: Integrity): Label {
  if (!Object.hasOwn(RANK, level))
    throw new LabelError('expected a level of public, internal, confidential, secret');
  if (integrity !== 'trusted' && integrity !== 'untrusted') {
    throw new LabelError('expected an integrity of trusted, untrusted');
  }
  for (const compartment of compartments) {
    if (!COMPARTMENT.test(compartment)) {
      throw new LabelError('expected compartments of 1 to 128 characters out of A-Z a-z 0-9 . _ : @ / + -');
    }
  }
  const sorted = [...compartments].sort();
  return { level, compartments: sorted.filter((name, i) => name !== sorted[i - 1]), integrity };
}

/** The least label above both: the higher level, all compartments, the lower integrity. */
export function joinLabels(a: Label, b: Label): Label {
  if (flowsTo(b, a)) return a;
  if (flowsTo(a, b)) return b;
  return {
    level: RANK[a.level] >= RANK[b.level] ? a.level : b.level,
    compartments: union(a.compartments, b.compartments),
    integrity: a.integrity === 'trusted' ? b.integrity : a.integrity,
  };
}

/** May data labelled `a` go where `b` is allowed? */
export function flowsTo(a: Label, b: Label): boolean {
  return (
    // Phrased so that a level outside the lattice (undefined rank) answers no.
    RANK[a.level] <= RANK[b.level] &&
    (a.integrity === 'trusted' || b.integrity === 'untrusted') &&
    subset(a.compartments, b.compartments)
  );
}

export function equalLabels(a: Label, b: Label): boolean {
  return flowsTo(a, b) && flowsTo(b, a);
}

/** For people: `confidential {pii,tenant:acme} untrusted`. */
export function formatLabel(of: Label): string {
  return `${of.level} {${of.compartments.join(',')}} ${of.integrity}`;
}

/**
 * One walk over two sorted lists. On lists out of order it can only miss: it then refuses a flow, never
 * allows one.
 */
function subset(part: readonly string[], whole: readonly string[]): boolean {
  let at = 0;
  for (const name of part) {
    while (at < whole.length && (whole[at] as string) < name) at++;
    if (whole[at] !== name) return false;
    at++;
  }
  return true;
}

function union(a: readonly string[], b: readonly string[]): readonly string[] {
  const out: string[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const left = a[i];
    const right = b[j];
    if (right === undefined || (left !== undefined && left <= right)) {
      out.push(left as string);
      i++;
      if (left === right) j++;
    } else {
      out.push(right);
      j++;
    }
  }
  return out;
}
