import type { EventClass } from '../../event-class.ts';

/** What a trace clause demands of a session's history (CONTRACTS §2). Happened: was allowed, whatever came of it; done: its outcome says so. */
export type TracePattern =
  | { readonly kind: 'never'; readonly never: EventClass }
  /** None of `only` until one of `after` is done. */
  | { readonly kind: 'only_after'; readonly only: EventClass; readonly after: EventClass }
  /** Once one of `after` has happened none of `never`, until one of `until` that was asked for later is done. */
  | {
      readonly kind: 'after_never';
      readonly after: EventClass;
      readonly never: EventClass;
      readonly until: EventClass | null;
    }
  | { readonly kind: 'at_most'; readonly most: number; readonly of: EventClass }
  /** Once one of `after` has happened, one of `response` that was asked for later is done in time; past it nothing else may happen. */
  | {
      readonly kind: 'after_then';
      readonly after: EventClass;
      readonly response: EventClass;
      readonly within_ms: number;
      /** Clock tolerance: shortens the time, so it never loosens the clause. */
      readonly tolerance_ms: number;
    };
