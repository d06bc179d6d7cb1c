import { relative } from 'node:path';
import { facts, plural, type Style, visible, visibleJson } from '@provability-fabric/command-line';
import type { Format } from '../output/options.ts';
import type { Status } from './gather-status.ts';

export function printStatus(status: Status, format: Format, { style, directory }: PrintedFor): string {
  return format === 'json'
    ? `${visibleJson(JSON.stringify(asJson(status)))}\n`
    : asTable(status, style, directory);
}

interface PrintedFor {
  readonly style: Style;
  /** The working directory: paths below it are shown from there. */
  readonly directory: string;
}

/** Break-glass tickets are not in this version, so no environment is ever in that mode. */
const BREAK_GLASS = 'off';

function asTable(status: Status, style: Style, directory: string): string {
  const { settings, dataFolder, log, findings } = status;
  const { enforcementMode, defaultMode } = settings.live;
  const lines: (readonly [string, string])[] = [
    ['environment', settings.environment],
    ['mode', enforcementMode],
    ['default mode', defaultMode ?? "the bundle's own"],
    ['epoch', String(settings.epoch)],
    ['Break-Glass Mode', BREAK_GLASS],
    ['bundle', bundleText(status, directory)],
    ['fabric', fabricText(status)],
    ['data folder', shortest(dataFolder, directory)],
  ];
  if (log === null) lines.push(['log', findings.length === 0 ? 'none yet' : 'cannot be read']);
  else {
    lines.push(
      ['log', `${log.origin}, ${plural(log.size, 'statement')}`],
      ['checkpoint', `size ${log.size}, root ${log.root}, ${age(log.checkpointAgeMs)} old`],
      ['sessions', sessionsText(log)],
    );
  }
  lines.push(['findings', findings.length === 0 ? 'none' : String(findings.length)]);
  const said = findings.map(
    ({ grave, message }) =>
      `  ${style(grave ? 'damaged' : 'notice', grave ? 'bad' : 'warn')}  ${visible(message)}\n`,
  );
  return facts(lines) + said.join('');
}

function sessionsText({ sessions, journalBytes }: NonNullable<Status['log']>): string {
  if (sessions !== null) return String(sessions);
  return `not counted: the journal has ${Math.floor(journalBytes / 1024 / 1024)} MiB (--full reads it)`;
}

function bundleText({ bundle, settings }: Status, directory: string): string {
  if (bundle !== null) return `${bundle.name} version ${bundle.version} (${bundle.digest})`;
  if (settings.bundleDirectory === null) return 'none configured';
  return `${shortest(settings.bundleDirectory, directory)}, not in force yet`;
}

function fabricText({ holder, health, settings }: Status): string {
  const { host, port } = settings.listen;
  const listener = `${host.includes(':') ? `[${host}]` : host}:${port} ${health}`;
  if (holder === undefined) return `not running (${listener})`;
  return `running, pid ${holder.pid} on ${holder.host} since ${holder.since} (${listener})`;
}

function shortest(path: string, directory: string): string {
  const near = relative(directory, path);
  return near === '' || near.startsWith('..') ? path : near;
}

function age(ms: number): string {
  if (ms < 1000) return `${Math.floor(ms)}ms`;
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
  ] as const) {
    if (ms >= 2 * size) return `${Math.floor(ms / size)}${unit}`;
  }
  return `${Math.floor(ms / 1000)}s`;
}

function asJson({ settings, dataFolder, bundle, holder, health, log, findings }: Status) {
  return {
    environment: settings.environment,
    mode: settings.live.enforcementMode,
    default_mode: settings.live.defaultMode,
    epoch: settings.epoch,
    break_glass: BREAK_GLASS,
    bundle,
    fabric: { running: holder !== undefined, holder: holder ?? null, listen: settings.listen, health },
    data_folder: dataFolder,
    log: log && {
      origin: log.origin,
      size: log.size,
      checkpoint: { size: log.size, root: log.root, age_ms: Math.floor(log.checkpointAgeMs) },
      sessions: log.sessions,
      journal_bytes: log.journalBytes,
    },
    findings,
  };
}
