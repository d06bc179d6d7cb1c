import type { PlayedSession } from '@provability-fabric/policy';

/** Where sessions to be decided again come from. */
export interface SessionSource {
  /** How much there is to read, in the unit that `onRead` counts; undefined where it cannot be known: a pipe. */
  readonly total: number | undefined;
  sessions(onRead: (count: number) => void): AsyncGenerator<PlayedSession>;
  /** What is wrong with a source of which nothing came, once all is read; undefined where that is its due. */
  nothing?(): string | undefined;
  /** What was left out, and why, once all is read. */
  remarks(): readonly string[];
}
