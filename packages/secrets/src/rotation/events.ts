import type { SecretPlace } from '../names.ts';
import type { Dependant, RotationPhase } from './ports.ts';

/** Names, codes and times: nothing of a value. */
export type RotationEvent =
  | { readonly type: 'started' | 'stopped' }
  | { readonly type: 'job-scheduled'; readonly place: SecretPlace; readonly nextAt: number | null }
  | { readonly type: 'job-unscheduled'; readonly place: SecretPlace }
  /** The schedule was read otherwise than cron would have. */
  | { readonly type: 'schedule-warning'; readonly place: SecretPlace; readonly warning: string }
  /** It was due, and the one before has not ended. */
  | { readonly type: 'rotation-skipped'; readonly place: SecretPlace; readonly nextAt: number | null }
  | ({ readonly type: 'rotation-started'; readonly cause: 'schedule' | 'manual' } & OfRotation)
  | ({
      readonly type: 'rotation-attempt-failed';
      readonly phase: RotationPhase;
      /** 1 for the first. */
      readonly attempt: number;
      readonly errorCode: string;
      /** In words, where the error is one of ours. */
      readonly problem: string | null;
    } & OfRotation)
  | ({ readonly type: 'grace-period-started'; readonly version: number; readonly until: number } & OfRotation)
  | ({ readonly type: 'dependant-told' | 'dependant-not-told'; readonly dependant: Dependant } & OfRotation)
  /** The new value is the current one and the old one is refused. Seconds: without the grace. */
  | ({ readonly type: 'rotation-success'; readonly seconds: number } & OfRotation)
  | ({
      readonly type: 'rotation-failure';
      readonly seconds: number;
      /** Which one could not be done. */
      readonly errorCode: string;
    } & OfRotation)
  /** The new value was taken back at the target and forgotten; failure: the target may still accept it. */
  | ({ readonly type: 'rollback-success' | 'rollback-failure' } & OfRotation)
  | { readonly type: 'jobs-active'; readonly count: number }
  /** The store could not be asked; it is again at the next beat. */
  | { readonly type: 'scheduler-error'; readonly errorCode: string };

interface OfRotation {
  readonly rotationId: string;
  readonly place: SecretPlace;
}

/** What it throws is not heard of: a listener cannot change what comes of a rotation. */
export type RotationListener = (event: RotationEvent) => void;

/** Tells each listener, whatever the others do. */
export function tellAll(listeners: Iterable<RotationListener>): RotationListener {
  return (event) => {
    for (const listener of listeners) {
      try {
        listener(event);
      } catch {
        // said above
      }
    }
  };
}
