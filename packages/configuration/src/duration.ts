const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  second: 1000,
  seconds: 1000,
  m: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000,
};

/** `30s`, `15m`, `1hour`, `2 hours`, `7d` to milliseconds; undefined for anything else, a number without a unit included. */
export function parseDuration(text: string): number | undefined {
  const parts = /^(\d{1,9}) ?([a-z]{1,7})$/.exec(text);
  const unit = Object.hasOwn(UNITS, parts?.[2] ?? '') ? UNITS[parts?.[2] as string] : undefined;
  if (parts === null || unit === undefined) return undefined;
  return Number(parts[1]) * unit;
}

/** The shortest exact form: `1h`, `90s`, `1500ms`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const size = UNITS[unit] as number;
    if (ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
