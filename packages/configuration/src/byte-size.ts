const UNITS = {
  GiB: 1024 ** 3,
  GB: 1000 ** 3,
  MiB: 1024 ** 2,
  MB: 1000 ** 2,
  KiB: 1024,
  KB: 1000,
  B: 1,
} as const;

/** `512KiB`, `4 MiB`, `1000000B` to bytes; undefined for anything else, a number without a unit included. */
export function parseByteSize(text: string): number | undefined {
  const parts = /^(\d{1,9}) ?([A-Za-z]{1,3})$/.exec(text);
  const unit = parts?.[2] ?? '';
  if (parts === null || !Object.hasOwn(UNITS, unit)) return undefined;
  return Number(parts[1]) * UNITS[unit as keyof typeof UNITS];
}

/** The shortest exact form, in powers of 1024 where they fit. */
export function formatByteSize(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB'] as const) {
    if (bytes > 0 && bytes % UNITS[unit] === 0) return `${bytes / UNITS[unit]}${unit}`;
  }
  return `${bytes}B`;
}
