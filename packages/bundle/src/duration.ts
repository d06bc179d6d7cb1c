const FORM = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
const UNITS = [86_400_000, 3_600_000, 60_000, 1000, 1];

/**
 * `1d2h3m4s5ms` in ms, the form that Cedar's durations have too; undefined for anything else or beyond 2^53
 * - 1.
 */
export function parseDuration(text: string): number | undefined {
  const parts = text === '' || text.length > 64 ? null : FORM.exec(text);
  if (parts === null) return undefined;
  const total = UNITS.reduce((sum, unit, index) => sum + Number(parts[index + 1] ?? 0) * unit, 0);
  return Number.isSafeInteger(total) ? total : undefined;
}
