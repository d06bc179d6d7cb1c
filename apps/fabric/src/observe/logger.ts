import pino, { type Logger } from 'pino';

/**
 * One JSON object per line, the level as a word. `pf run` speaks MCP on stdout, so its log goes to stderr; a service's
 * goes to stdout, where log collectors look.
 */
export function createLogger(component: string, level: string, fd: 1 | 2): Logger {
  return pino(
    {
      level,
      base: { component },
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (word) => ({ level: word }) },
    },
    pino.destination({ fd, sync: true }),
  );
}
