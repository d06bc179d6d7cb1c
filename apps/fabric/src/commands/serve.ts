import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { settingsFor } from '../config.ts';
import { FabricError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { followLiveSettings } from '../live-settings.ts';
import { loadBundleFrom } from '../load-bundle.ts';
import { logStart } from '../observe/log-start.ts';
import { serviceLog } from '../observe/logger.ts';
import { dumpStateOnSignal } from '../observe/state-dump.ts';
import { serveHttp } from '../serve-http.ts';
import { terminationSignal } from '../shutdown.ts';
import { openFabric } from '../wire.ts';
import { parseListen } from './options.ts';

interface ServeOptions {
  readonly env?: string;
  readonly bundle?: string;
  readonly data?: string;
  readonly listen?: { host: string; port: number };
}

/** `pf serve`: the sidecar over HTTP, for agents that ask before they act. */
export function serveCommand(): Command {
  return new Command('serve')
    .description('answer POST /v1/authorize and /v1/outcome over HTTP')
    .option('--env <name>', 'settings of config/<name>/ (default: local, where it exists)')
    .option('--bundle <dir>', 'bundle folder, or a compiled bundle.json (default: the environment’s)')
    .option('--data <dir>', 'data folder (default: the environment’s)')
    .addOption(
      new Option(
        '--listen <host:port>',
        'where to listen (default: the environment’s, 127.0.0.1:8080)',
      ).argParser(parseListen),
    )
    .addHelpText('after', '\nExample:\n  $ pf serve --env local --listen 127.0.0.1:8080')
    .action(async (options: ServeOptions) => {
      process.exitCode = await serve(options);
    });
}

async function serve(options: ServeOptions): Promise<number> {
  const settings = await settingsFor(options.env);
  const path = options.bundle ?? settings.bundleDirectory;
  if (path === null)
    throw new FabricError(
      'OPTION_INVALID',
      'expected --bundle, or `bundle` in config/<env>/fabric.yaml; neither is there',
    );
  const bundle = await loadBundleFrom(path);
  const log = serviceLog('sidecar-watcher', settings.live.logLevel);
  const dataFolder = resolve(options.data ?? settings.dataDirectory);
  const live = followLiveSettings(settings, log);
  const fabric = await openFabric({ dataFolder, bundle, log, settings, live });
  try {
    dumpStateOnSignal('sidecar-watcher', dataFolder, fabric.enforcer, log);
    logStart(log, { dataFolder, bundle });
    const http = await serveHttp(fabric, options.listen ?? settings.listen, log);
    const signal = await terminationSignal();
    log.info({ event: 'shutting_down', tags: [], signal }, `shutting down on ${signal}`);
    await http.close();
  } finally {
    await fabric.close();
    live.stop();
  }
  return EXIT.ok;
}
