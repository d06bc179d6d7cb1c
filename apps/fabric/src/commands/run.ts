import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import type { Settings } from '@provability-fabric/configuration';
import { spawnUpstream, startRelay } from '@provability-fabric/gateway-mcp';
import type { CompiledBundle, Principal } from '@provability-fabric/policy';
import { Command } from 'commander';
import type { Logger } from 'pino';
import { clientOutput, flushed } from '../client-output.ts';
import { databaseUrl, defaultDataFolder, settingsFor, upstreamEnvironment } from '../config.ts';
import { FabricError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { startListeners } from '../listeners/start-listeners.ts';
import { followLiveSettings } from '../live-settings.ts';
import { loadBundleFrom } from '../load-bundle.ts';
import { logStart, warnOfRoles } from '../observe/log-start.ts';
import { logBesideMcp, logWritten } from '../observe/logger.ts';
import { searchedLines } from '../observe/searched-lines.ts';
import { dumpStateOnSignal } from '../observe/state-dump.ts';
import { remoteSecretsFrom } from '../secrets/broker/remote-secrets.ts';
import { SessionDecider } from '../session-decider.ts';
import { terminationSignal } from '../shutdown.ts';
import { newRequestId, openFabric } from '../wire.ts';
import { collect, parseDurationOption, parseId, parseListen, parseSession } from './options.ts';

interface RunOptions {
  readonly bundle?: string;
  readonly data?: string;
  readonly env?: string;
  readonly principal: string;
  readonly role?: readonly string[];
  readonly org?: string;
  readonly tenant?: string;
  readonly session?: string;
  readonly promptFile?: string;
  readonly listen?: { host: string; port: number };
  readonly upstreamTimeout?: number;
  readonly secretsUrl?: string;
  readonly secretsTokenFile?: string;
}

/** `pf run --bundle B -- CMD …`: stands before a stdio MCP server, so that adopting it means prefixing a command. */
export function runCommand(): Command {
  return new Command('run')
    .description('stand before a stdio MCP server: every call is decided, certified, and only then sent on')
    .option('--bundle <dir>', 'bundle folder, or a compiled bundle.json (required)')
    .option('--data <dir>', 'data folder (default: below $XDG_STATE_HOME, one per bundle)')
    .option('--env <name>', 'settings of config/<name>/ (default: local, where it exists)')
    .option('--principal <id>', 'who the agent is', parseId, 'local-agent')
    .option('--role <role>', 'a role of the agent; repeat for several', collect)
    .option('--org <org>', 'organisation of the agent (default: the tenant)', parseId)
    .option('--tenant <tenant>', 'tenant of the agent (default: the only one of the bundle)', parseId)
    .option(
      '--session <sid>',
      'session to continue (default: the last, until it has been idle)',
      parseSession,
    )
    .option('--prompt-file <file>', 'the trusted instruction of this session')
    .option('--listen <host:port>', 'also answer POST /v1/authorize and the rest over HTTP', parseListen)
    .option('--upstream-timeout <duration>', 'how long a call may take (default: 30s)', parseDurationOption)
    .option('--secrets-url <url>', 'the secrets service, for `secret://name` in arguments')
    .option('--secrets-token-file <file>', 'holds a token for it, of the role secrets-sidecar')
    .argument('<command>', 'the MCP server to start')
    .argument('[arguments...]', 'its arguments')
    .addHelpText(
      'after',
      '\nExample:\n  $ pf run --bundle bundles/quickstart --tenant acme --role support -- npx @modelcontextprotocol/server-filesystem .pf/quickstart/workspace',
    )
    .action(async (command: string, args: readonly string[], options: RunOptions) => {
      process.exitCode = await run(command, args, options);
    });
}

async function run(command: string, args: readonly string[], options: RunOptions): Promise<number> {
  const settings = await settingsFor(options.env);
  if (options.bundle === undefined) {
    throw new FabricError(
      'OPTION_INVALID',
      'expected --bundle with a bundle folder; `pfctl init NAME` writes one',
    );
  }
  const bundle = await loadBundleFrom(options.bundle);
  const principal = principalFrom(options, bundle.tenants);
  const prompt = options.promptFile === undefined ? undefined : await readPrompt(options.promptFile);
  const { log, stderr } = logBesideMcp('sidecar-watcher', settings.live.logLevel);
  try {
    return await standBefore(command, args, options, { settings, bundle, principal, prompt, log, stderr });
  } finally {
    await logWritten(log);
  }
}

interface Prepared {
  readonly settings: Settings;
  readonly bundle: CompiledBundle;
  readonly principal: Principal;
  readonly prompt: string | undefined;
  readonly log: Logger;
  /** Where the server's own stderr goes. */
  readonly stderr: Writable;
}

async function standBefore(
  command: string,
  args: readonly string[],
  options: RunOptions,
  { settings, bundle, principal, prompt, log, stderr }: Prepared,
): Promise<number> {
  const dataFolder = resolve(options.data ?? defaultDataFolder(bundle.name));
  const live = followLiveSettings(settings, log);
  const url = databaseUrl();
  const remote = remoteSecretsFrom(options);
  const fabric = await openFabric({
    dataFolder,
    bundle,
    log,
    settings,
    live,
    database: url === undefined ? null : { kind: 'url', url },
    startWithoutLedger: true,
    ...(remote === undefined ? {} : { broker: remote }),
  });
  const { enforcer } = fabric.sidecar;
  try {
    dumpStateOnSignal('sidecar-watcher', dataFolder, enforcer, log);
    logStart(log, { dataFolder, bundle });
    warnOfRoles(log, bundle, principal);
    const http =
      options.listen &&
      (await startListeners({
        fabric,
        settings,
        components: ['sidecar-watcher'],
        listen: { 'sidecar-watcher': options.listen },
        log,
      }));
    if (prompt !== undefined) await enforcer.prompt(principal, options.session ?? null, prompt);
    const upstream = await spawnUpstream(command, args, {
      cwd: process.cwd(),
      env: upstreamEnvironment(),
      // The host of the agent reads it as well.
      stderr: enforcer.searchesSecrets
        ? searchedLines(stderr, (text) => enforcer.holdsSecret(principal.tenant, text))
        : stderr,
    });
    const output = clientOutput();
    const relay = startRelay({
      client: { input: process.stdin, output },
      upstream,
      decider: new SessionDecider(enforcer, () => ({
        principal,
        capability: null,
        session: options.session ?? null,
        epoch: null,
      })),
      events: { emit: (event, details) => log[levelOf(event)]({ event, tags: [], ...details }, event) },
      limits: { upstreamTimeoutMs: options.upstreamTimeout ?? settings.upstreamTimeoutMs },
      newRequestId,
    });
    // Clients close, wait two seconds, signal, and kill two seconds later: a server that ignores the end of its input
    // must be gone by then, and the log closed.
    void terminationSignal().then(() => Promise.all([relay.close(), upstream.stop()]));
    const end = await relay.closed;
    await flushed(output);
    await http?.close();
    if (end.reason === 'client-closed' || end.reason === 'closed') return EXIT.ok;
    const { code, signal } = end.upstream;
    log.error(
      { event: 'upstream_ended', tags: ['ERROR'], reason: end.reason, code, signal },
      `the MCP server ended: ${end.reason}`,
    );
    return EXIT.failure;
  } finally {
    await fabric.close();
    live.stop();
  }
}

async function readPrompt(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new FabricError(
      'OPTION_INVALID',
      `expected --prompt-file to name a readable file, came \`${path}\``,
      {
        cause,
      },
    );
  }
}

function principalFrom(options: RunOptions, tenants: readonly string[]): Principal {
  const [only, ...others] = tenants;
  const tenant = options.tenant ?? (others.length === 0 ? only : undefined);
  if (tenant === undefined || !tenants.includes(tenant)) {
    throw new FabricError(
      'OPTION_INVALID',
      `expected --tenant to be one of ${tenants.join(', ')}, came \`${options.tenant ?? 'nothing'}\``,
    );
  }
  return {
    id: options.principal,
    roles: options.role ?? [],
    org: options.org ?? tenant,
    tenant,
    attributes: {},
  };
}

/** A relay that ends is no reason to wake anyone; everything else it reports is out of the ordinary. */
function levelOf(event: string): 'info' | 'warn' {
  return event === 'mcp.relay-ending' ? 'info' : 'warn';
}
