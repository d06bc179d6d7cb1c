import pino, { type Logger } from 'pino';
import { LogOutput } from './log-output.ts';

/**
 * One JSON object per line, the level as a word. `pf run` speaks MCP on stdout, so its log goes to stderr, where nobody
 * need read it; a service's goes to stdout, where log collectors look.
 */
export function createLogger(component: string, level: string, fd: 1 | 2): Logger {
  const options = {
    level,
    base: { component },
    messageKey: 'message',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (word: string) => ({ level: word }) },
  };
  if (fd === 1) return pino(options, pino.destination({ fd, sync: true }));
  const output = new LogOutput(fd);
  const log = pino(options, output);
  output.onDropped = (count) =>
    log.warn({ event: 'log_lines_dropped', tags: [], count }, 'nobody read the log');
  return log;
}

/** Resolves once what was logged is written, or after a second: nobody may be reading. */
export function logWritten(log: Logger): Promise<void> {
  return new Promise((resolve) => log.flush(() => resolve()));
}
