/** What can be wrong with an evidence file. Stable: documentation and scripts switch on these. */
export type FailureCode =
  | 'FORMAT'
  | 'NOT_CANONICAL'
  | 'CHECKPOINT_MALFORMED'
  | 'CHECKPOINT_UNKNOWN_KEY'
  | 'CHECKPOINT_SIGNATURE'
  | 'CONSISTENCY'
  | 'ENTRY_ORDER'
  | 'INCLUSION'
  | 'ENVELOPE_UNKNOWN_KEY'
  | 'ENVELOPE_SIGNATURE'
  | 'STATEMENT'
  | 'CHAIN'
  | 'HEAD'
  | 'RECORD_ROOT'
  | 'RECORD_CONTENT'
  | 'BUNDLE_DIGEST'
  | 'BUNDLE_MALFORMED'
  | 'BUNDLE_ORDER'
  | 'BUNDLE_REPEATED'
  | 'BUNDLE_UNUSED'
  | 'VERDICT'
  | 'STATE'
  | 'OUTCOME'
  | 'REQUIREMENT';

/** Where in the file: the log index of an entry and, once its statement is read, the place in its session. */
export interface Place {
  readonly entry: number;
  readonly tenant: string | null;
  readonly session: string | null;
  readonly seq: number | null;
}

export interface Failure {
  readonly code: FailureCode;
  /** null for what concerns the file as a whole. */
  readonly place: Place | null;
  /** What was expected and what came. May quote the file: escape it before it reaches a terminal. */
  readonly message: string;
}

/**
 * Everything found wrong so far. Verification goes on after a failure wherever the rest can still be judged.
 */
export class Failures {
  readonly all: Failure[] = [];
  #codes = new Map<Place, Set<FailureCode>>();

  add(code: FailureCode, place: Place | null, message: string): void {
    this.all.push({ code, place, message });
    if (place === null) return;
    const codes = this.#codes.get(place);
    if (codes === undefined) this.#codes.set(place, new Set([code]));
    else codes.add(code);
  }

  /** Whether anything, or this very thing, is wrong at an entry. */
  has(place: Place, code?: FailureCode): boolean {
    const codes = this.#codes.get(place);
    return codes !== undefined && (code === undefined || codes.has(code));
  }
}
