import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Listen } from '@provability-fabric/configuration';
import { Argument, Command, Option } from 'commander';
import type { Logger } from 'pino';
import { databaseUrl, governorSettings, secretsSettings, settingsFor } from '../config.ts';
import { FabricError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { keepMemoryFlat } from '../flat-memory.ts';
import type { GovernorSettings } from '../governor/governor-settings.ts';
import type { DatabaseSource } from '../ledger/connect-database.ts';
import { COMPONENTS, type Component } from '../listeners/listeners.ts';
import { startListeners } from '../listeners/start-listeners.ts';
import { followLiveSettings } from '../live-settings.ts';
import { loadBundleFrom } from '../load-bundle.ts';
import { logStart } from '../observe/log-start.ts';
import { serviceLog } from '../observe/logger.ts';
import { dumpStateOnSignal } from '../observe/state-dump.ts';
import { remoteSecretsFrom } from '../secrets/broker/remote-secrets.ts';
import { terminationSignal } from '../shutdown.ts';
import { openMcpService } from '../sidecar/mcp-service.ts';
import { openFabric } from '../wire.ts';
import { parseListen } from './options.ts';

interface ServeOptions {
  readonly env?: string;
  readonly bundle?: string;
  readonly data?: string;
  readonly listen?: Listen;
  readonly listenPolicyAdapter?: Listen;
  readonly listenLedger?: Listen;
  readonly listenSecrets?: Listen;
  readonly listenGovernor?: Listen;
  readonly secretsUrl?: string;
  readonly secretsTokenFile?: string;
}

/** `pf serve`: the fabric's services, for agents, hosts and operators. */
export function serveCommand(): Command {
  return new Command('serve')
    .description(
      'decide over HTTP and MCP, keep the ledger and secrets, govern code changes, and let operators activate and revoke',
    )
    .addArgument(
      new Argument('[component...]', 'what to run in this process (default: all)').choices(COMPONENTS),
    )
    .option('--env <name>', 'settings of config/<name>/ (default: local, where it exists)')
    .option('--bundle <dir>', 'bundle folder, or a compiled bundle.json (default: the environment’s)')
    .option('--data <dir>', 'data folder (default: the environment’s)')
    .addOption(
      new Option(
        '--listen <host:port>',
        'of the sidecar (default: the environment’s, 127.0.0.1:8080)',
      ).argParser(parseListen),
    )
    .addOption(
      new Option(
        '--listen-policy-adapter <host:port>',
        'default: the environment’s, 127.0.0.1:8081',
      ).argParser(parseListen),
    )
    .addOption(
      new Option('--listen-ledger <host:port>', 'default: the environment’s, 127.0.0.1:3000').argParser(
        parseListen,
      ),
    )
    .addOption(
      new Option('--listen-secrets <host:port>', 'default: the environment’s, 127.0.0.1:8085').argParser(
        parseListen,
      ),
    )
    .addOption(
      new Option('--listen-governor <host:port>', 'default: the environment’s, 127.0.0.1:8000').argParser(
        parseListen,
      ),
    )
    .option('--secrets-url <url>', 'the secrets service in another process, for `secret://name` in arguments')
    .option('--secrets-token-file <file>', 'holds a token for it, of the role secrets-sidecar')
    .addHelpText(
      'after',
      '\nExamples:\n  $ pf serve --env local\n  $ DATABASE_URL=postgresql://fabric@db/ledger pf serve sidecar-watcher' +
        '\n  $ SAFEAI_PROJECT_ROOT=. SAFEAI_DATA_DIR=data pf serve governor',
    )
    .action(async (components: readonly Component[], options: ServeOptions) => {
      const governor = governorSettings();
      // Where all are meant, there is a governor only where there is something to govern.
      const all = COMPONENTS.filter((name) => name !== 'governor' || governor.projectRoot !== null);
      const chosen = new Set(components.length === 0 ? all : components);
      process.exitCode = await serve(chosen, options, governor);
    });
}

async function serve(
  components: ReadonlySet<Component>,
  options: ServeOptions,
  governor: GovernorSettings,
): Promise<number> {
  keepMemoryFlat();
  // From here on there is something to close: a signal during the start lets it come to its end, and then stops.
  const terminated = terminationSignal();
  const stopping = new AbortController();
  void terminated.then(() => stopping.abort());
  const settings = await settingsFor(options.env);
  const database = databaseOf(settings, components);
  const decides = components.has('sidecar-watcher');
  const remote = remoteSecretsFrom(options);
  const keepsSecrets = components.has('secrets') && database !== null;
  const path = options.bundle ?? settings.bundleDirectory;
  if (decides && path === null)
    throw new FabricError(
      'OPTION_INVALID',
      'expected --bundle, or `bundle` in config/<env>/fabric.yaml; neither is there',
    );
  const logs = new Map(
    COMPONENTS.filter((name) => components.has(name)).map((name) => [
      name,
      serviceLog(name, settings.live.logLevel),
    ]),
  );
  const [log] = [...logs.values()] as [Logger, ...Logger[]];
  const governs = components.has('governor');
  if (governs && governor.logLevel !== null) (logs.get('governor') as Logger).level = governor.logLevel;
  const ownFolder = governs ? governor.dataDirectory : null;
  const dataFolder = resolve(options.data ?? ownFolder ?? settings.dataDirectory);
  const compiling = decides && path !== null ? loadBundleFrom(path) : null;
  // A new folder is made only for a bundle that compiles; one that exists is opened meanwhile.
  if (!existsSync(join(dataFolder, 'keys'))) await compiling;
  const live = followLiveSettings(settings, log);
  live.onChange(({ logLevel }) => {
    for (const [name, own] of logs)
      if (name !== 'governor' || governor.logLevel === null) own.level = logLevel;
  });
  const fabric = await openFabric({
    dataFolder,
    bundle: compiling,
    log,
    settings,
    live,
    database,
    secrets: keepsSecrets ? secretsSettings() : null,
    secretsLog: logs.get('secrets') ?? log,
    governor: governs ? { settings: governor, log: logs.get('governor') ?? log } : null,
    stopping: stopping.signal,
    ...(remote === undefined ? {} : { broker: remote }),
  });
  try {
    if (fabric.sidecar !== undefined) {
      dumpStateOnSignal('sidecar-watcher', dataFolder, fabric.sidecar.enforcer, log);
      logStart(log, { dataFolder, bundle: fabric.sidecar.inForce().ir });
    } else {
      // Node's own answer to this signal is a debugger's port.
      process.on('SIGUSR1', () =>
        log.info({ event: 'state_dump', tags: [] }, 'this process decides nothing'),
      );
    }
    const mcp = fabric.sidecar && openMcpService(settings, fabric.sidecar.enforcer, log);
    if (fabric.ledger === undefined)
      log.warn(
        { event: 'no_ledger', tags: [] },
        'no database is configured: evidence stays in the data folder',
      );
    const needing = ['policy-adapter', 'ledger', 'secrets'] as const;
    const served = needing.every((name) => components.has(name)) && decides && fabric.ledger === undefined;
    const http = await startListeners({
      fabric,
      settings,
      // Without a database there is nothing that these could serve: said once, and not an error.
      components: COMPONENTS.filter(
        (name) => components.has(name) && !(served && needing.some((one) => one === name)),
      ),
      listen: {
        'sidecar-watcher': options.listen ?? settings.listen,
        'policy-adapter': options.listenPolicyAdapter ?? settings.listenPolicyAdapter,
        ledger: options.listenLedger ?? settings.listenLedger,
        secrets: options.listenSecrets ?? settings.listenSecrets,
        governor: options.listenGovernor ?? {
          host: governor.host ?? settings.listenGovernor.host,
          port: governor.port ?? settings.listenGovernor.port,
        },
      },
      ...(mcp === undefined ? {} : { mcp }),
      log,
      logs,
    });
    const signal = await terminated;
    log.info({ event: 'shutting_down', tags: [], signal }, `shutting down on ${signal}`);
    await http.close();
    await mcp?.close();
  } finally {
    await fabric.close();
    live.stop();
  }
  return EXIT.ok;
}

/** A database of our own is started only for components that cannot be without one. */
function databaseOf(
  { database }: { readonly database: 'embedded' | 'none' },
  components: ReadonlySet<Component>,
): DatabaseSource | null {
  const url = databaseUrl();
  if (url !== undefined) return { kind: 'url', url };
  if (components.has('policy-adapter') && !components.has('sidecar-watcher')) {
    // What it activated in a database of its own would reach nobody.
    throw new FabricError(
      'OPTION_INVALID',
      'policy-adapter without a sidecar in its process needs the database of those that it serves: set DATABASE_URL',
    );
  }
  const needsOne = ['ledger', 'policy-adapter', 'secrets'].some((name) => components.has(name as Component));
  return database === 'embedded' && needsOne ? { kind: 'embedded' } : null;
}
