import { formatDuration } from '@provability-fabric/configuration';
import type { TracePattern } from '@provability-fabric/policy';
import { classPhrase } from './event-class.ts';

/** What a trace clause demands of a session's history. */
export function patternSentence(pattern: TracePattern): string {
  switch (pattern.kind) {
    case 'never':
      return `lets ${classPhrase(pattern.never)} happen never`;
    case 'only_after':
      return `lets ${classPhrase(pattern.only)} happen only once ${classPhrase(pattern.after)} is done`;
    case 'after_never': {
      const { after, never, until } = pattern;
      const end = until === null ? 'never' : `not until ${classPhrase(until)}, asked for later, is done`;
      return `after ${classPhrase(after)} has or may have happened, lets ${classPhrase(never)} happen ${end}`;
    }
    case 'at_most':
      return `lets ${classPhrase(pattern.of)} happen at most ${pattern.most} times in a session`;
    case 'after_then': {
      const { after, response, within_ms: within, tolerance_ms: tolerance } = pattern;
      const shortened = tolerance === 0 ? '' : ` (less ${formatDuration(tolerance)} of clock tolerance)`;
      return (
        `after ${classPhrase(after)} has or may have happened, ${classPhrase(response)} must be done within ` +
        `${formatDuration(within)}${shortened}; past that nothing else may happen`
      );
    }
  }
}
