import type { Writable } from 'node:stream';
import pino, { type DestinationStream, type Logger } from 'pino';
import { LogOutput, stderrStream } from './log-output.ts';

/** A service's log goes to stdout, where log collectors look. */
export function serviceLog(component: string, level: string): Logger {
  return createLogger(component, level, pino.destination({ fd: 1, sync: true }));
}

/** Of a command whose output is its own: what goes wrong in there is an error of the command. */
export function quietLog(): Logger {
  return pino({ enabled: false });
}

/**
 * `pf run` speaks MCP on stdout, so its log goes to stderr, where nobody need read it; what the server behind it says
 * there goes the same way.
 */
export function logBesideMcp(
  component: string,
  level: string,
): { readonly log: Logger; readonly stderr: Writable } {
  const output = new LogOutput(stderrStream());
  const log = createLogger(component, level, output);
  output.onDropped = (writes) => log.warn({ event: 'log_dropped', tags: [], writes }, 'nobody read the log');
  return { log, stderr: output.asStream() };
}

/** Resolves once what was logged is written, or after a second: nobody may be reading. */
export function logWritten(log: Logger): Promise<void> {
  return new Promise((resolve) => log.flush(() => resolve()));
}

/** One JSON object per line, the level as a word. */
function createLogger(component: string, level: string, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: { component },
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (word) => ({ level: word }) },
    },
    destination,
  );
}
