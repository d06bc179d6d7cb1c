import { parseDuration } from '@provability-fabric/configuration';
import { EnforcementError, requireAgentSession } from '@provability-fabric/enforcement';
import { InvalidArgumentError } from 'commander';

/** `HOST:PORT`, `[::1]:PORT` or `:PORT`. */
export function parseListen(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535)
    throw new InvalidArgumentError('expected HOST:PORT, for example 127.0.0.1:8080');
  return { host: match[1] ?? (match[2] || '127.0.0.1'), port };
}

/** `500ms`, `30s`, `5m`, `1h`. */
export function parseDurationOption(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('expected a duration such as 500ms, 30s, 5m or 1h');
  return ms;
}

/** Ids end up in file names, logs and certificates, so their alphabet is small (kernel ids). */
export function parseId(text: string): string {
  if (!/^[A-Za-z0-9._:@/+-]{1,128}$/.test(text)) {
    throw new InvalidArgumentError('expected 1 to 128 letters, digits or . _ : @ / + -');
  }
  return text;
}

/** A session that an agent may have: not one in which accesses to secrets are recorded. */
export function parseSession(text: string): string {
  try {
    requireAgentSession(text);
  } catch (error) {
    if (error instanceof EnforcementError) throw new InvalidArgumentError(error.message);
    throw error;
  }
  return parseId(text);
}

export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, parseId(value)];
}
