import { isDeepStrictEqual } from 'node:util';
import {
  formatProblem,
  type LiveSettings,
  readLiveSettings,
  type Settings,
} from '@provability-fabric/configuration';
import type { Logger } from 'pino';

/** The settings that may change while the fabric runs. */
export interface FollowedSettings {
  readonly current: LiveSettings;
  onChange(listener: (settings: LiveSettings) => void): void;
  stop(): void;
}

const EVERY_MS = 1000;

/**
 * Reads the key files anew every second: a mounted ConfigMap changes by a swap of links that file watches miss. A bad
 * value is logged once and the last good one stays.
 */
export function followLiveSettings({ live, liveDirectory }: Settings, log: Logger): FollowedSettings {
  let current = live;
  let reported = '';
  const listeners: ((settings: LiveSettings) => void)[] = [];
  const look = async () => {
    const { settings, problems } = await readLiveSettings(liveDirectory, current);
    const said = problems.map(formatProblem).join('; ');
    if (said !== reported && said !== '')
      log.error({ event: 'config_refused', tags: ['ERROR'], problems: said }, 'a setting was refused');
    reported = said;
    if (isDeepStrictEqual(settings, current)) return;
    current = settings;
    log.level = settings.logLevel;
    const tags = settings.enforcementMode === 'disabled' ? ['BYPASS'] : [];
    log.warn({ event: 'config_changed', tags, ...settings }, 'settings changed');
    for (const listener of listeners) listener(settings);
  };
  const timer = setInterval(() => void look().catch(() => undefined), EVERY_MS);
  timer.unref();
  return {
    get current() {
      return current;
    },
    onChange: (listener) => void listeners.push(listener),
    stop: () => clearInterval(timer),
  };
}
