import { mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  defaultSettings,
  formatProblem,
  KEYS,
  type LiveSettings,
  readEnvironment,
  readLiveSettings,
  type Settings,
} from './index.ts';

const checkout = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

/** A root whose `config/local/` holds these files. */
function root(files: Readonly<Record<string, string | Uint8Array>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'pf-configuration-'));
  mkdirSync(join(directory, 'config/local/policy-config'), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, 'config/local', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  return directory;
}

async function problems(directory: string, environment = 'local'): Promise<readonly string[]> {
  const read = await readEnvironment(directory, environment);
  return read.ok ? [] : read.problems.map(formatProblem);
}

async function settings(directory: string): Promise<Settings> {
  const read = await readEnvironment(directory, 'local');
  if (!read.ok) throw new Error(read.problems.map(formatProblem).join('\n'));
  return read.settings;
}

describe('what is refused', () => {
  test.each([
    ['../../etc', 'lowercase letters'],
    ['', 'lowercase letters'],
    ['Local', 'lowercase letters'],
    ['locla', 'no such environment; did you mean `local`?'],
    ['zzz', 'no such environment; there are local'],
  ])('an environment named %j', async (name, said) => {
    expect((await problems(root({}), name)).join()).toContain(said);
  });

  test.each([
    ['listn: a:1', 'config/local/fabric.yaml:1:1: unknown key `listn`; did you mean `listen`?'],
    ['epoch: 1\nepoch: 2', 'fabric.yaml:2:1: expected YAML: map keys must be unique'],
    ['epoch: -1', 'fabric.yaml:1:8: `epoch`: expected a whole number of 0 to 9007199254740991, came `-1`'],
    ['epoch: 9007199254740993', 'expected a whole number'],
    ['epoch: 1.5', 'came `1.5`'],
    ['epoch: "1"', 'expected a whole number'],
    [
      'session_idle: 30',
      '`session_idle`: expected a duration with its unit, such as `30s`, `15m` or `1h`, came `30`',
    ],
    ['session_idle: 31d', 'expected a duration of 1s to 30d, came `31d`'],
    ['upstream_timeout: 1ms', 'expected a duration of 100ms to 1h'],
    ['listen: 8080', 'expected host:port such as `127.0.0.1:8080`, came `8080`'],
    ['listen: localhost:99999', 'at most 65535'],
    ['listen: "http://x:1"', 'expected host:port'],
    ['origin: "two words"', 'expected a name'],
    ['data_dir:', '`data_dir`: expected a path, came nothing'],
    ['data_dir: [a]', '`data_dir`: expected a path, came a mapping'],
    ['data_dir: "a\\u0000b"', 'expected a path'],
    ['a: &x 1\nb: *x', 'unknown key `a`'],
    ['- epoch', 'expected a mapping'],
    ['max_body: 4', '`max_body`: expected a size with its unit, such as `512KiB` or `4MiB`, came `4`'],
    ['max_body: 65MiB', 'expected a size of 1KiB to 64MiB'],
    ['max_connections: 0', 'expected a whole number of 1 to 100000, came `0`'],
    ['evidence_max_lag: 25h', 'expected a duration of 0s to 1d'],
    ['session_lease: 1s', 'expected a duration of 2s to 10m'],
    ['advertise: fabric-1:8080', 'expected an address such as'],
    ['advertise: ftp://fabric-1', 'expected an address such as'],
    ['advertise: http://fabric-1/x', 'expected scheme, host and port alone, such as `http://fabric-1`'],
    ['database: embeded', 'expected one of embedded, none, came `embeded`; did you mean `embedded`?'],
    [
      'tls_certificate: a',
      '`tls_certificate`: expected `tls_key` beside it, came none; name both or neither',
    ],
    ['tls_key: a', '`tls_key`: expected `tls_certificate` beside it'],
    ['tls_clients: required', '`tls_clients`: expected `tls_client_ca` beside it'],
    ['tls_certificate: a\ntls_key: b\ntls_client_ca: c', '`tls_client_ca`: expected `tls_clients` beside it'],
    ['tls_clients: optional\ntls_client_ca: c', '`tls_client_ca`: expected `tls_certificate` beside it'],
    ['epoch: !!js/function x', 'expected YAML'],
    ['__proto__: {}', 'unknown key `__proto__`'],
    ['toString: 1', 'unknown key `toString`'],
  ])('fabric.yaml with %j', async (text, said) => {
    expect((await problems(root({ 'fabric.yaml': text }))).join('\n')).toContain(said);
  });

  test.each([
    'database: postgres://fabric:hunter2@db.example/pf',
    'database: "host=db password=hunter2"',
    'advertise: https://fabric:hunter2@fabric-1:8443',
  ])('%j, without repeating what it holds', async (text) => {
    const said = (await problems(root({ 'fabric.yaml': text }))).join();
    expect(said).toMatch(/DATABASE_URL|no place for a secret/);
    expect(said).not.toContain('hunter2');
  });

  test('all that is wrong is said at once', async () => {
    const directory = root({
      'fabric.yaml': 'listen: 1\nepoch: x\n',
      'policy-config/enforcement_mode': 'enforced\n',
      'policy-config/cache_siz': '10',
      'values.yaml': '',
    });
    expect(await problems(directory)).toEqual([
      'config/local/values.yaml: unknown key `values.yaml`; the keys are fabric.yaml, policy-config, upstreams.yaml',
      'config/local/fabric.yaml:1:9: `listen`: expected host:port such as `127.0.0.1:8080`, came `1`',
      'config/local/fabric.yaml:2:8: `epoch`: expected a whole number of 0 to 9007199254740991, came `x`',
      'config/local/policy-config/cache_siz: unknown key `cache_siz`; did you mean `cache_size`?',
      'config/local/policy-config/enforcement_mode: expected one of shadow, monitor, enforce, disabled, ' +
        'came `enforced`; did you mean `enforce`?',
    ]);
  });

  test.each([
    ['default_mode', ['', 'Enforce', 'enforce\nshadow', 'disabled']],
    ['performance_mode', ['', 'true', 'on', 'enabled disabled']],
    ['cache_size', ['', '0', '-1', '1e3', '1000001', '10k', '0x10', '9'.repeat(1000), '１０']],
    ['batch_size', ['0', '10001', '1.5', 'NaN', ' ']],
    ['async_processing', ['no', 'TRUE', '0', 'true\ntrue']],
  ])('%s with nonsense', async (key, texts) => {
    for (const text of texts)
      expect(await problems(root({ [`policy-config/${key}`]: text })), text).toHaveLength(1);
  });

  test('files that are too long, not UTF-8, or no files', async () => {
    expect((await problems(root({ 'fabric.yaml': ' '.repeat(70_000) }))).join()).toContain(
      'at most 65536 bytes',
    );
    expect((await problems(root({ 'fabric.yaml': new Uint8Array([0xff]) }))).join()).toContain('UTF-8');
    const folder = root({ 'policy-config/log_level/x': '' });
    expect((await problems(folder)).join()).toContain('expected a regular file');
    const loop = root({});
    symlinkSync('log_level', join(loop, 'config/local/policy-config/log_level'));
    expect((await problems(loop)).join()).toContain('came ELOOP');
  });
});

describe('what is read', () => {
  test('every key has its documented default', async () => {
    const directory = root({});
    expect(await settings(directory)).toEqual({
      environment: 'local',
      dataDirectory: join(directory, '.pf/local'),
      bundleDirectory: null,
      listen: { host: '127.0.0.1', port: 8080 },
      listenPolicyAdapter: { host: '127.0.0.1', port: 8081 },
      listenLedger: { host: '127.0.0.1', port: 3000 },
      listenSecrets: { host: '127.0.0.1', port: 8085 },
      listenGovernor: { host: '127.0.0.1', port: 8000 },
      tls: null,
      limits: { maxConnections: 1024, maxBodyBytes: 4_194_304, requestsPerSecond: 1000 },
      origin: 'provability-fabric.local/local',
      sessionIdleMs: 1_800_000,
      epoch: 1,
      upstreamTimeoutMs: 30_000,
      database: 'embedded',
      evidenceMaxLagMs: 60_000,
      sessionLeaseMs: 15_000,
      advertise: null,
      upstreams: new Map(),
      liveDirectory: join(directory, 'config/local/policy-config'),
      live: {
        enforcementMode: 'enforce',
        defaultMode: null,
        logLevel: 'info',
        performanceMode: false,
        cacheSize: 10_000,
        batchSize: 1000,
        asyncProcessing: true,
      },
    });
    expect(defaultSettings(directory, 'local')).toEqual(await settings(directory));
  });

  test('every default, written out, changes nothing', async () => {
    const files: Record<string, string> = {};
    for (const { key, where, standard } of KEYS) {
      // Alone it asks for a certificate authority.
      if (standard === null || where === 'upstreams.yaml' || key === 'tls_clients') continue;
      const text = standard.replace('<env>', 'local');
      if (where === 'policy-config') files[`policy-config/${key}`] = text;
      else files['fabric.yaml'] = `${files['fabric.yaml'] ?? ''}${key}: ${text}\n`;
    }
    const directory = root(files);
    expect(await settings(directory)).toEqual(defaultSettings(directory, 'local'));
  });

  test('every key can be set', async () => {
    const directory = root({
      'fabric.yaml':
        'data_dir: /d\nbundle: bundles/x\nlisten: "[::1]:0"\norigin: a.example/log\n' +
        'session_idle: 2 hours\nepoch: 7\nupstream_timeout: 500ms\n' +
        'listen_policy_adapter: 0.0.0.0:1\nlisten_ledger: ledger.internal:3000\nlisten_secrets: ledger.internal:8085\n' +
        'listen_governor: 0.0.0.0:8001\ntls_certificate: tls/c.pem\n' +
        'tls_key: /k.pem\ntls_client_ca: ca.pem\ntls_clients: required\nmax_connections: 9\nmax_body: 512 KiB\n' +
        'requests_per_second: 5\ndatabase: none\nevidence_max_lag: 0s\nsession_lease: 1m\n' +
        'advertise: HTTPS://Fabric-1:443/\n',
      'policy-config/enforcement_mode': 'disabled\r\n',
      'policy-config/default_mode': 'monitor',
      'policy-config/log_level': 'warn\n',
      'policy-config/performance_mode': 'enabled\n',
      'policy-config/cache_size': '1\n',
      'policy-config/batch_size': ' 10000 ',
      'policy-config/async_processing': 'false',
    });
    expect(await settings(directory)).toMatchObject({
      dataDirectory: '/d',
      bundleDirectory: join(directory, 'bundles/x'),
      listen: { host: '::1', port: 0 },
      origin: 'a.example/log',
      sessionIdleMs: 7_200_000,
      epoch: 7,
      upstreamTimeoutMs: 500,
      listenPolicyAdapter: { host: '0.0.0.0', port: 1 },
      listenLedger: { host: 'ledger.internal', port: 3000 },
      listenSecrets: { host: 'ledger.internal', port: 8085 },
      listenGovernor: { host: '0.0.0.0', port: 8001 },
      tls: {
        certificate: join(directory, 'tls/c.pem'),
        key: '/k.pem',
        clientCa: join(directory, 'ca.pem'),
        clients: 'required',
      },
      limits: { maxConnections: 9, maxBodyBytes: 524_288, requestsPerSecond: 5 },
      database: 'none',
      evidenceMaxLagMs: 0,
      sessionLeaseMs: 60_000,
      advertise: 'https://fabric-1',
      live: {
        enforcementMode: 'disabled',
        defaultMode: 'monitor',
        logLevel: 'warn',
        performanceMode: true,
        cacheSize: 1,
        batchSize: 10_000,
        asyncProcessing: false,
      },
    });
  });

  test('a mounted ConfigMap: links into a hidden folder', async () => {
    const directory = root({});
    const keys = join(directory, 'config/local/policy-config');
    mkdirSync(join(keys, '..2026_01_01'));
    writeFileSync(join(keys, '..2026_01_01/enforcement_mode'), 'shadow');
    symlinkSync('..2026_01_01', join(keys, '..data'));
    symlinkSync('..data/enforcement_mode', join(keys, 'enforcement_mode'));
    expect((await settings(directory)).live.enforcementMode).toBe('shadow');
  });

  test('after a bad change, that key keeps its last good value and the others are applied', async () => {
    const directory = root({
      'policy-config/enforcement_mode': 'of',
      'policy-config/log_level': 'debug',
      'policy-config/performance_mode': 'maybe',
      'policy-config/cache_size': '-5',
      'policy-config/batch_size': '7',
      'policy-config/async_processing': '',
    });
    const last: LiveSettings = {
      enforcementMode: 'monitor',
      defaultMode: 'shadow',
      logLevel: 'error',
      performanceMode: true,
      cacheSize: 3,
      batchSize: 4,
      asyncProcessing: false,
    };
    const { settings, problems } = await readLiveSettings(
      join(directory, 'config/local/policy-config'),
      last,
    );
    expect(settings).toEqual({ ...last, defaultMode: null, logLevel: 'debug', batchSize: 7 });
    expect(problems.map(({ file }) => file)).toEqual([
      'policy-config/enforcement_mode',
      'policy-config/performance_mode',
      'policy-config/cache_size',
      'policy-config/async_processing',
    ]);
  });

  test.each(readdirSync(join(checkout, 'config')))(
    'the shipped environment %s is valid',
    async (environment) => {
      expect(await problems(checkout, environment)).toEqual([]);
    },
  );
});
