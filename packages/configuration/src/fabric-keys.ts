import { asWritten, choice, count, DAY, HOUR, type Key, listener, SECOND, size, span } from './key.ts';
import { parseAdvertised, parseDatabase, parseOrigin, parsePath } from './values.ts';

const FOLDER = 'relative to the folder that holds `config/`, or absolute';
const path = { type: 'path', parse: parsePath, ...asWritten };
const file = { ...path, standard: null, range: `a file, ${FOLDER}` };

/** The members of `fabric.yaml`. Only keys that act are here: one that does nothing would be a false promise. */
export const FABRIC_KEYS = {
  data_dir: {
    key: 'data_dir',
    where: 'fabric.yaml',
    standard: '.pf/<env>',
    range: `a folder, ${FOLDER}`,
    effect: 'holds the evidence log, the keys and what was activated; one fabric at a time uses it',
    ...path,
  },
  bundle: {
    key: 'bundle',
    where: 'fabric.yaml',
    standard: null,
    range: `a bundle folder, ${FOLDER}`,
    effect: 'the bundle that `pf serve` and `pfctl test` take where none is named',
    ...path,
  },
  listen: {
    key: 'listen',
    where: 'fabric.yaml',
    standard: '127.0.0.1:8080',
    effect: 'where the sidecar-watcher answers',
    ...listener,
  },
  listen_policy_adapter: {
    key: 'listen_policy_adapter',
    where: 'fabric.yaml',
    standard: '127.0.0.1:8081',
    effect: 'where the policy-adapter answers',
    ...listener,
  },
  listen_ledger: {
    key: 'listen_ledger',
    where: 'fabric.yaml',
    standard: '127.0.0.1:3000',
    effect: 'where the ledger answers',
    ...listener,
  },
  listen_secrets: {
    key: 'listen_secrets',
    where: 'fabric.yaml',
    standard: '127.0.0.1:8085',
    effect: 'where the secrets service answers',
    ...listener,
  },
  listen_governor: {
    key: 'listen_governor',
    where: 'fabric.yaml',
    standard: '127.0.0.1:8000',
    effect: 'where the governor answers',
    ...listener,
  },
  tls_certificate: {
    key: 'tls_certificate',
    where: 'fabric.yaml',
    effect: 'PEM: the certificate of every listener and its chain; with it they speak TLS only',
    ...file,
  },
  tls_key: {
    key: 'tls_key',
    where: 'fabric.yaml',
    effect: 'PEM: the private key of `tls_certificate`; neither is taken without the other',
    ...file,
  },
  tls_client_ca: {
    key: 'tls_client_ca',
    where: 'fabric.yaml',
    effect: 'PEM: who may have signed the certificates of clients; `tls_clients` says who needs one',
    ...file,
  },
  tls_clients: {
    key: 'tls_clients',
    where: 'fabric.yaml',
    standard: 'none',
    effect:
      'whether a client is asked for a certificate, and whether it must have one; a token is wanted all the same',
    ...choice(['none', 'optional', 'required']),
  },
  max_connections: {
    key: 'max_connections',
    where: 'fabric.yaml',
    standard: '1024',
    effect: 'open connections of one listener; a client beyond them is turned away',
    ...count(1, 100_000),
  },
  max_body: {
    key: 'max_body',
    where: 'fabric.yaml',
    standard: '4MiB',
    effect: 'the longest body of a request; a longer one is refused before it is read',
    ...size(1024, 64 * 1024 * 1024),
  },
  requests_per_second: {
    key: 'requests_per_second',
    where: 'fabric.yaml',
    standard: '1000',
    effect: 'requests that one client address may make; twice as many at once',
    ...count(1, 1_000_000),
  },
  origin: {
    key: 'origin',
    where: 'fabric.yaml',
    type: 'name',
    standard: 'provability-fabric.local/<env>',
    range: '1 to 128 of letters, digits and `. _ / -`',
    effect: "the log's name in checkpoints and verifier keys; fixed once the data folder has keys",
    parse: parseOrigin,
    ...asWritten,
  },
  session_idle: {
    key: 'session_idle',
    where: 'fabric.yaml',
    standard: '30m',
    effect: 'without a session id, one session per principal until this long has passed without an action',
    ...span(SECOND, 30 * DAY),
  },
  epoch: {
    key: 'epoch',
    where: 'fabric.yaml',
    standard: '1',
    effect: 'the least epoch in force; raising it refuses every capability token of an earlier one',
    ...count(0, Number.MAX_SAFE_INTEGER),
  },
  upstream_timeout: {
    key: 'upstream_timeout',
    where: 'fabric.yaml',
    standard: '30s',
    effect: 'how long an upstream tool server may take before its outcome is recorded as ambiguous',
    ...span(100, HOUR),
  },
  database: {
    key: 'database',
    where: 'fabric.yaml',
    type: 'word',
    standard: 'embedded',
    range: 'embedded, none',
    effect:
      'where no DATABASE_URL is set, whether `pf serve` starts a PostgreSQL of its own in `data_dir` for the ledger',
    parse: parseDatabase,
    ...asWritten,
  },
  evidence_max_lag: {
    key: 'evidence_max_lag',
    where: 'fabric.yaml',
    standard: '60s',
    effect:
      'how far the ledger may be behind before actions are refused; `assurance: high` waits for it instead',
    ...span(0, DAY),
  },
  session_lease: {
    key: 'session_lease',
    where: 'fabric.yaml',
    standard: '15s',
    effect: 'how long one of several fabrics owns a session without renewing that; renewed long before',
    ...span(2 * SECOND, 10 * 60 * SECOND),
  },
  advertise: {
    key: 'advertise',
    where: 'fabric.yaml',
    type: 'address',
    standard: null,
    range: 'http or https, host and port',
    effect:
      'where the other fabrics on the same database reach this one, so that each session has one owner; without it this ' +
      'fabric must be the only one',
    parse: parseAdvertised,
    ...asWritten,
  },
} satisfies Record<string, Key<unknown>>;
