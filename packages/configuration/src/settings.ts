export type Mode = 'shadow' | 'monitor' | 'enforce';
export type EnforcementMode = Mode | 'disabled';
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Where the fabric's HTTP listener is; an IPv6 host is without its brackets. */
export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** The key files of `policy-config/`: what can be changed while the fabric runs. */
export interface LiveSettings {
  readonly enforcementMode: EnforcementMode;
  /** null: the bundle's own. */
  readonly defaultMode: Mode | null;
  readonly logLevel: LogLevel;
}

/** Everything that `config/<env>/` says, with defaults for what it does not. Paths are absolute. */
export interface Settings {
  readonly environment: string;
  readonly dataDirectory: string;
  /** null where the environment names none. */
  readonly bundleDirectory: string | null;
  readonly listen: Listen;
  /** The log's name in checkpoints and key files. */
  readonly origin: string;
  readonly sessionIdleMs: number;
  readonly epoch: number;
  readonly upstreamTimeoutMs: number;
  /** The folder of the live key files, to watch. */
  readonly liveDirectory: string;
  readonly live: LiveSettings;
}
