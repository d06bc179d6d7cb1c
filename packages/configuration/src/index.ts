// An environment's settings, from config/<env>

// Durations as people write them
export { formatDuration, parseDuration } from './duration.ts';
// Every key that there is, for the reference page
export { KEYS, type KeyDescription } from './keys.ts';
// The name that was probably meant
export { nearest } from './nearest.ts';
// What is wrong with a configuration
export { formatProblem, type Problem } from './problem.ts';
export { defaultSettings, readEnvironment, readLiveSettings } from './read-environment.ts';
export type { EnforcementMode, Listen, LiveSettings, LogLevel, Mode, Settings } from './settings.ts';
