// An environment's settings, from config/<env>

// Durations as people write them
export { formatDuration, parseDuration } from './duration.ts';
// What holds and why, for people who look into it
export { type EffectiveValue, readEffectiveValues } from './effective-values.ts';
export type { KeyDescription } from './key.ts';
// Every key that there is, for the reference page
export { KEYS } from './keys.ts';
// Changing one live key
export {
  checkLiveChange,
  findLiveDirectory,
  type LiveChange,
  type LiveKey,
  type LiveValue,
  readLiveValue,
} from './live-change.ts';
// The name that was probably meant
export { nearest } from './nearest.ts';
// What is wrong with a configuration
export { formatProblem, type Problem } from './problem.ts';
export { defaultSettings, readEnvironment, readLiveSettings } from './read-environment.ts';
export type {
  ClientCertificates,
  DatabaseChoice,
  EnforcementMode,
  ExchangeSettings,
  LimitSettings,
  Listen,
  LiveSettings,
  LogLevel,
  Mode,
  Settings,
  TlsSettings,
  UpstreamSettings,
} from './settings.ts';
