import type { VolumeProblem } from './read-volume.ts';

/** No event holds a value or a part of one. Timestamps are ms since 1970. */
export type VolumeEvent =
  | { readonly type: 'started'; readonly watched: number; readonly timestamp: number }
  | { readonly type: 'stopped'; readonly timestamp: number }
  /** New, or with another content. */
  | { readonly type: 'secret-changed'; readonly secretKey: string; readonly timestamp: number }
  | { readonly type: 'secret-deleted'; readonly secretKey: string; readonly timestamp: number }
  /**
   * Once for each change of the volume, after the events of its files: what is read once at the start is
   * stale.
   */
  | {
      readonly type: 'reload-required';
      readonly secretKeys: readonly string[];
      readonly timestamp: number;
    }
  | { readonly type: 'health-check-success'; readonly watched: number; readonly timestamp: number }
  | { readonly type: 'health-check-failed'; readonly problem: VolumeProblem; readonly timestamp: number }
  /**
   * The volume cannot be read whole, or fs.watch ended; the last good view stays what changes are told
   * against.
   */
  | { readonly type: 'error'; readonly problem: VolumeProblem; readonly timestamp: number };

/**
 * What a process reads once, when it starts: the names of the runbook and those that its manifests really
 * mount.
 */
export const RELOAD_KEYS: readonly string[] = [
  'database-username',
  'database-password',
  'database-url',
  'db-username',
  'db-password',
  'db-url',
  'jwt-secret',
  'redis-url',
  'supabase-service-key',
];
