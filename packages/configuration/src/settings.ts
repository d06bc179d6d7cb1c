export type Mode = 'shadow' | 'monitor' | 'enforce';
export type EnforcementMode = Mode | 'disabled';
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type DatabaseChoice = 'embedded' | 'none';
export type ClientCertificates = 'none' | 'optional' | 'required';

/** Where one of the fabric's HTTP listeners is; an IPv6 host is without its brackets. */
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
  /** Accepted decisions are not logged one by one. Every check runs and every certificate is made all the same. */
  readonly performanceMode: boolean;
  /** Sessions kept in memory. */
  readonly cacheSize: number;
  /** Most entries of one batch to the ledger. */
  readonly batchSize: number;
  /** false: every answer waits for the ledger. Either way none is given before its evidence is durable here. */
  readonly asyncProcessing: boolean;
}

/** Files, read at start; what is in them is not checked here. */
export interface TlsSettings {
  readonly certificate: string;
  readonly key: string;
  /** Whose client certificates are believed; null: nobody is asked for one. */
  readonly clientCa: string | null;
  readonly clients: ClientCertificates;
}

/** The bounds of a listener that an operator may move. */
export interface LimitSettings {
  readonly maxConnections: number;
  readonly maxBodyBytes: number;
  /** Per client address. */
  readonly requestsPerSecond: number;
}

/** RFC 8693: the caller's token is exchanged for one that the upstream takes. */
export interface ExchangeSettings {
  readonly tokenEndpoint: string;
  readonly clientId: string;
  /** A file, so that the secret is in none of ours. */
  readonly clientSecretFile: string;
  readonly audience: string | null;
  readonly scope: string | null;
}

/** An MCP server that the fabric stands before, at `/mcp/<name>`. */
export type UpstreamSettings =
  | {
      readonly kind: 'stdio';
      readonly command: string;
      readonly args: readonly string[];
      /** null: the fabric's own working directory. */
      readonly cwd: string | null;
      /** May hold what must not be shown. */
      readonly env: Readonly<Record<string, string>>;
      /** Before each of its tools' names as the policy knows them. */
      readonly prefix: string;
    }
  | {
      readonly kind: 'http';
      readonly url: string;
      readonly authorization: 'none' | 'pass' | ExchangeSettings;
      readonly prefix: string;
    };

/** Everything that `config/<env>/` says, with defaults for what it does not. Paths are absolute. */
export interface Settings {
  readonly environment: string;
  readonly dataDirectory: string;
  /** null where the environment names none. */
  readonly bundleDirectory: string | null;
  readonly listen: Listen;
  readonly listenPolicyAdapter: Listen;
  readonly listenLedger: Listen;
  readonly listenSecrets: Listen;
  readonly listenGovernor: Listen;
  /** null: the listeners speak plain HTTP. */
  readonly tls: TlsSettings | null;
  readonly limits: LimitSettings;
  /** The log's name in checkpoints and key files. */
  readonly origin: string;
  readonly sessionIdleMs: number;
  readonly epoch: number;
  readonly upstreamTimeoutMs: number;
  /** What to do where no DATABASE_URL names a server. */
  readonly database: DatabaseChoice;
  readonly evidenceMaxLagMs: number;
  readonly sessionLeaseMs: number;
  /** Where other fabrics on the same database reach this one; null: it is the only one. */
  readonly advertise: string | null;
  readonly upstreams: ReadonlyMap<string, UpstreamSettings>;
  /** The folder of the live key files, to watch. */
  readonly liveDirectory: string;
  readonly live: LiveSettings;
}
